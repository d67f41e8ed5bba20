/** A spool folder that cannot be used ends a start: who mounts volumes must read which folder, why, and what to set. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { takeAnySlot } from '#src/pipeline/spool/slot.ts';

test('a folder that cannot be made is named with the reason and the variable; one that can be is taken', () => {
  const folder = mkdtempSync(join(tmpdir(), 'relay-slot-'));
  try {
    writeFileSync(join(folder, 'file'), '');
    const below = join(folder, 'file/spool');
    expect(() => takeAnySlot(below)).toThrow(
      /file\/spool cannot be used \(ENOTDIR.*\); set RELAY_SPOOL_DIR to another/,
    );
    takeAnySlot(join(folder, 'spool')).release();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
