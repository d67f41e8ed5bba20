/** The spool's file on a disk without room: what is in it must come out again, whatever else cannot be written. */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { openJournal } from '#src/pipeline/spool/journal.ts';

const LIMIT = { bytesMax: 1_000_000 };
let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'relay-journal-'));
  path = join(folder, 'signals.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** No mark can be written any more, as on a full disk. */
function noRoom(): void {
  mkdirSync(`${path}.mark.new`);
}

test('a journal with lines opens although no mark can be written, and gives them back', async () => {
  const before = openJournal(path, LIMIT);
  await before.append(['one', 'two']);
  before.close();
  // Torn by a crash in the middle of a write.
  appendFileSync(path, 'thr');
  noRoom();
  const after = openJournal(path, LIMIT);
  expect(after.read(1_000).lines).toEqual(['one', 'two']);
  after.close();
});

test('a drain that cannot write its mark goes on from where it was', async () => {
  const journal = openJournal(path, LIMIT);
  await journal.append(['one']);
  await journal.append(['two']);
  noRoom();
  const first = journal.read(4);
  expect(first.lines).toEqual(['one']);
  expect(() => journal.advance(first.next)).toThrow();
  expect(journal.read(1_000).lines).toEqual(['two']);
  journal.close();
});

test('a mark beyond the end of the file is put right before anything is written behind it', async () => {
  writeFileSync(`${path}.mark`, '500');
  const journal = openJournal(path, LIMIT);
  await journal.append(['new']);
  journal.close();
  const after = openJournal(path, LIMIT);
  expect(after.read(1_000).lines).toEqual(['new']);
  after.close();
});

const mounted = ((): string | null => {
  const at = mkdtempSync(join(tmpdir(), 'relay-small-disk-'));
  const done =
    process.getuid?.() === 0 && spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', at]).status === 0;
  if (!done) rmSync(at, { recursive: true });
  return done ? at : null;
})();
afterAll(() => {
  if (mounted === null) return;
  spawnSync('umount', ['--lazy', mounted]);
  rmSync(mounted, { recursive: true });
});

test.skipIf(mounted === null)(
  'on a disk that fills up every line is kept whole or refused (needs root to mount one)',
  async () => {
    const file = join(mounted!, 'signals.jsonl');
    const journal = openJournal(file, LIMIT);
    const kept: string[] = [];
    let refused = 0;
    // Long lines until none fits, then short ones: what is left of a long one must not stand behind them.
    for (const size of [5_000, 5_000, 300, 20])
      for (let n = 0; n < 16; n++) {
        const lines = [`${size} ${n} ${'x'.repeat(size)}`, `${size} ${n} ${'y'.repeat(size)}`];
        await journal.append(lines).then(
          () => kept.push(...lines),
          () => refused++,
        );
      }
    expect(refused).toBeGreaterThan(0);
    expect(journal.read(1_000_000).lines).toEqual(kept);
    journal.close();
    // After a crash the file is all there is.
    const again = openJournal(file, LIMIT);
    expect(again.read(1_000_000).lines).toEqual(kept);
    again.close();
  },
);
