/**
 * What a relay's memory holds once its garbage is gone. Resident memory alone says little: V8 gives pages back when it
 * likes. So the relay is started with its inspector open on loopback, and asked to collect before it is measured.
 */
import type { RelayProcess } from './relay-process.ts';

/** Environment of a relay whose memory is to be read. */
export const INSPECTED: Readonly<Record<string, string>> = { NODE_OPTIONS: '--inspect=127.0.0.1:0' };

export interface MemoryReading {
  /** Live objects and buffers, after a full collection. */
  liveMb: number;
  rssMb: number;
  /** Timers, sockets and the like that keep the process busy. */
  handles: number;
}

const ANSWER_MS = 30_000;

/** Collects all garbage twice and reads. The inspector is let go of again: while it is attached, code runs slower. */
export async function readMemory(relay: RelayProcess): Promise<MemoryReading> {
  const url = [...relay.log().matchAll(/Debugger listening on (ws:\/\/\S+)/g)].at(-1)?.[1];
  if (url === undefined) throw new Error('the relay runs without an inspector');
  const socket = new WebSocket(url);
  try {
    await event(socket, 'open');
    for (let times = 0; times < 2; times++) await ask(socket, 'HeapProfiler.collectGarbage');
    const { result } = (await ask(socket, 'Runtime.evaluate', {
      expression: 'JSON.stringify({ ...process.memoryUsage(), handles: process.getActiveResourcesInfo().length })',
    })) as { result: { value: string } };
    const { heapUsed, external, rss, handles } = JSON.parse(result.value) as NodeJS.MemoryUsage & { handles: number };
    return { liveMb: (heapUsed + external) / 1e6, rssMb: rss / 1e6, handles };
  } finally {
    socket.close();
  }
}

/** Growth per step by least squares: one odd reading decides nothing. */
export function slope(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const above = values.reduce((sum, value, i) => sum + (i - middle) * (value - mean), 0);
  const below = values.reduce((sum, _, i) => sum + (i - middle) ** 2, 0);
  return below === 0 ? 0 : above / below;
}

let asked = 0;

async function ask(socket: WebSocket, method: string, params: Record<string, unknown> = {}): Promise<unknown> {
  const id = ++asked;
  socket.send(JSON.stringify({ id, method, params }));
  for (;;) {
    const { data } = (await event(socket, 'message')) as unknown as { data: string };
    const answer = JSON.parse(data) as { id?: number; result?: unknown; error?: { message: string } };
    if (answer.id !== id) continue;
    if (answer.error) throw new Error(`${method}: ${answer.error.message}`);
    return answer.result;
  }
}

function event(socket: WebSocket, name: 'open' | 'message'): Promise<Event> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`the inspector did not answer within ${ANSWER_MS} ms`)), ANSWER_MS);
    const done = (outcome: () => void) => (): void => {
      clearTimeout(late);
      outcome();
    };
    socket.addEventListener(name, (happened) => done(() => resolve(happened))(), { once: true });
    socket.addEventListener(
      'error',
      done(() => reject(new Error('the inspector cannot be reached'))),
      { once: true },
    );
  });
}
