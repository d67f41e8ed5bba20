/** The claim is about a process's own heap, so each case is a process. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const MEMORY = join(import.meta.dirname, '../../src/memory.ts');

/** Heap before and after half a second, MB; `busy` keeps the event loop working. */
function heapOf(busy: boolean): { before: number; after: number } {
  const script = `
    import { releaseMemoryWhenIdle } from ${JSON.stringify(MEMORY)};
    const mb = () => Math.round(process.memoryUsage().heapTotal / 1048576);
    let garbage = Array.from({ length: 400_000 }, (_, n) => ({ n, text: 'x' + n }));
    const before = mb();
    garbage = null;
    releaseMemoryWhenIdle(200);
    const work = ${busy} ? setInterval(() => { const end = performance.now() + 8; while (performance.now() < end); }, 10) : null;
    setTimeout(() => { clearInterval(work); console.log(JSON.stringify({ before, after: mb() })); }, 1_500);
  `;
  return JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', timeout: 15_000 }),
  ) as { before: number; after: number };
}

test('an idle process gives the memory of its garbage back', () => {
  const { before, after } = heapOf(false);
  expect(before).toBeGreaterThan(40);
  expect(after).toBeLessThan(before / 2);
});

test('a busy one is left alone', () => {
  const { before, after } = heapOf(true);
  expect(after).toBeGreaterThan(before / 2);
});
