/** Files that change in ways that no watch of their folder tells of. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFileWatch, type FileWatch } from '#src/watch-files.ts';

let folder: string;
let watch: FileWatch;
let changes: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'relay-watch-'));
  changes = 0;
  watch = createFileWatch(
    () => void changes++,
    () => undefined,
    { lookMs: 50 },
  );
});
afterEach(() => {
  watch.close();
  rmSync(folder, { recursive: true });
});

function put(name: string, text: string): void {
  mkdirSync(join(folder, name));
  writeFileSync(join(folder, name, 'token'), text);
}

test('a folder that is made later', async () => {
  watch.follow([join(folder, 'secrets', 'token')]);
  put('secrets', 'one');
  await expect.poll(() => changes).toBe(1);
});

test('a folder that is replaced, and what is written in the new one', async () => {
  put('secrets', 'one');
  watch.follow([join(folder, 'secrets', 'token')]);
  // What it is now has been looked at.
  await sleep(100);
  put('next', 'two two');
  renameSync(join(folder, 'secrets'), join(folder, 'before'));
  renameSync(join(folder, 'next'), join(folder, 'secrets'));
  await expect.poll(() => changes).toBe(1);
  writeFileSync(join(folder, 'secrets', 'token'), 'three three three');
  await expect.poll(() => changes).toBe(2);
});

test('a link to a folder that is turned to another', async () => {
  put('v1', 'one');
  symlinkSync('v1', join(folder, 'current'));
  watch.follow([join(folder, 'current', 'token')]);
  await sleep(100);
  put('v2', 'two two');
  symlinkSync('v2', join(folder, 'next'));
  renameSync(join(folder, 'next'), join(folder, 'current'));
  await expect.poll(() => changes).toBe(1);
});

test('what does not change is not told', async () => {
  put('secrets', 'one');
  watch.follow([join(folder, 'secrets', 'token'), join(folder, 'nowhere', 'token')]);
  writeFileSync(join(folder, 'secrets', 'beside'), 'one');
  await sleep(800);
  expect(changes).toBe(0);
});
