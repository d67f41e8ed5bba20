/** The claim is about a process's own heap, so each case is a process. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const MEMORY = join(import.meta.dirname, '../../src/memory.ts');

/** Heap before and after, MB: one that is idle is watched until half is gone, or for ten seconds; a busy one works for one and a half. */
function heapOf(busy: boolean): { before: number; after: number } {
  const script = `
    import { releaseMemoryWhenIdle } from ${JSON.stringify(MEMORY)};
    const mb = () => Math.round(process.memoryUsage().heapTotal / 1048576);
    let garbage = Array.from({ length: 400_000 }, (_, n) => ({ n, text: 'x' + n }));
    const before = mb();
    garbage = null;
    releaseMemoryWhenIdle(200);
    const end = performance.now() + ${busy ? 1_500 : 10_000};
    // Work without a pause: in a pause that the machine makes long it would rightly count as idle.
    const work = () => { const until = performance.now() + 8; while (performance.now() < until); setImmediate(watch); };
    function watch() {
      if (performance.now() > end || (!${busy} && mb() < before / 2)) console.log(JSON.stringify({ before, after: mb() }));
      else if (${busy}) work();
      else setTimeout(watch, 100);
    }
    watch();
  `;
  return JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', timeout: 60_000 }),
  ) as { before: number; after: number };
}

test('an idle process gives the memory of its garbage back', { timeout: 60_000 }, () => {
  const { before, after } = heapOf(false);
  expect(before).toBeGreaterThan(40);
  expect(after).toBeLessThan(before / 2);
});

test('a busy one is left alone', { timeout: 60_000 }, () => {
  const { before, after } = heapOf(true);
  expect(after).toBeGreaterThan(before / 2);
});
