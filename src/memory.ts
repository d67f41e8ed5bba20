/**
 * Memory given back when there is nothing to do. Loading the relay leaves some 60 MB of garbage and empty pages that V8
 * keeps until something presses: 162 MB resident, 122 MB after one collection of the last-resort kind (Node 24.21), and
 * most relays do nothing most of the time.
 */
import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const LOOK_MS = 10_000;
/** The event loop may have been busy for this share of the time between two looks. */
const IDLE_SHARE = 0.02;
/**
 * A collection takes 30 to 90 ms, in a process that has nothing else to do, and is worth it only where the heap has grown by
 * as much since the last one. What of it is garbage nobody knows before: V8 counts it as used.
 */
const GROWN_BYTES_MIN = 24 * 1024 * 1024;

type Collect = (options: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void;

/** Looks every ten seconds; collects when the process was idle and its heap has grown. Returns the end of it. */
export function releaseMemoryWhenIdle(lookMs = LOOK_MS): () => void {
  let before = performance.eventLoopUtilization();
  let heapBytes = 0;
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    if (utilization >= IDLE_SHARE || process.memoryUsage().heapTotal - heapBytes < GROWN_BYTES_MIN) return;
    collect();
    heapBytes = process.memoryUsage().heapTotal;
  }, lookMs);
  timer.unref();
  return () => clearInterval(timer);
}

function collect(): void {
  // Without the flag V8 offers no way to ask; the flag only adds a function to contexts that are made after it.
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as Collect;
  setFlagsFromString('--no-expose-gc');
  gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
