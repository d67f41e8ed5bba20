/** The demo as a stranger runs it: a process of its own, judged by its exit code and by what it leaves behind. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { endPostgres } from '#src/db/embedded/processes.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const hasProc = existsSync('/proc/self/environ');

interface Run {
  child: ChildProcess;
  output(): string;
  /** The demo's own folder, as it says. */
  folder(): string;
  exit: Promise<number | null>;
}

let temporary: string;
const runs: Run[] = [];

beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), 'relay-demo-test-'));
});
afterEach(async () => {
  for (const { child, exit } of runs.splice(0)) {
    child.kill('SIGTERM');
    await exit;
  }
  for (const pid of processesOf(temporary)) await endPostgres(pid, temporary, { fastMs: 2000, immediateMs: 2000 });
  rmSync(temporary, { recursive: true, force: true, maxRetries: 5 });
});

function run(...words: string[]): Run {
  const child = spawn(process.execPath, ['test/demo/main.ts', ...words], {
    cwd: ROOT,
    env: { ...process.env, TMPDIR: temporary, FORCE_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
  const made: Run = {
    child,
    output: () => text,
    folder: () => /Its data is in (\S+)/.exec(text)?.[1] ?? '',
    exit: new Promise((resolve) => child.once('close', resolve)),
  };
  runs.push(made);
  return made;
}

/** Processes that were started for a folder: it stands in their environment, arguments or working folder. */
function processesOf(folder: string): number[] {
  if (!hasProc) return [];
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid)
    .filter((pid) => [read(pid, 'environ'), read(pid, 'cmdline'), workingFolder(pid)].join('\n').includes(folder));
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

function workingFolder(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}

function leftovers(): string[] {
  return readdirSync(temporary).filter((name) => name.startsWith('health-relay-demo-'));
}

/** Waits for words of the demo; fails at once when it ends without them. */
async function says(demo: Run, words: string): Promise<void> {
  await expect
    .poll(() => demo.output().includes(words) || demo.child.exitCode !== null, { timeout: 60_000 })
    .toBe(true);
  expect(demo.output()).toContain(words);
}

test('--once plays the outage through every door, meets every expectation and leaves neither process nor folder, without colours in a pipe', async () => {
  const demo = run('--once');
  const code = await demo.exit;
  const output = demo.output();
  expect(output).not.toMatch(/^FAIL/m);
  expect(code, output).toBe(0);
  expect(output).toMatch(/^ok {4}PagerDuty: 173 signals, 1 page$/m);
  expect(output).toMatch(/^ok {4}doors: webhook, two hubs and back-fill fell on the same incident/m);
  expect(output).toMatch(/^Doors: back-fill 1, action group's hub 10, activity log's hub 35, webhook 132$/m);
  expect(output).toMatch(/^Our resources: 2 registries \(1 by a replica only\)/m);
  expect(output).toMatch(/^All \d+ hold\.$/m);
  const lines = output.trimEnd().split('\n');
  expect(lines.at(-2)).toMatch(/http:\/\/127\.0\.0\.1:\d+\/incidents\/CNT1-0AR$/);
  expect(lines.at(-1)).toContain('npm run relay -- init');
  // oxlint-disable-next-line no-control-regex -- escapes of a terminal are what this is about
  expect(output).not.toMatch(/[\u001B\r]/);
  expect(demo.folder()).toContain(temporary);
  expect(leftovers()).toEqual([]);
  expect(processesOf(temporary)).toEqual([]);
});

test('without --once it serves the incident page until Ctrl-C, and then leaves neither process nor folder', async () => {
  const demo = run();
  await says(demo, 'npm run relay -- init');
  const page = /Incident page: (\S+)/.exec(demo.output())?.[1] ?? '';
  const answer = await fetch(page);
  expect(answer.status).toBe(200);
  expect(await answer.text()).toContain('CNT1-0AR');
  expect(existsSync(join(demo.folder(), 'data', 'postgres'))).toBe(true);
  if (hasProc) expect(processesOf(temporary).length).toBeGreaterThan(2);
  demo.child.kill('SIGINT');
  expect(await demo.exit).toBe(0);
  expect(leftovers()).toEqual([]);
  expect(processesOf(temporary)).toEqual([]);
});

test.each([
  ['while the relay is starting', 'Health Relay demo'],
  ['in the middle of the story', 'degradation detected'],
])('SIGTERM %s leaves neither process nor folder', async (_, words) => {
  const demo = run();
  await says(demo, words);
  demo.child.kill('SIGTERM');
  expect(await demo.exit).toBe(143);
  expect(demo.output()).not.toContain('npm run relay -- init');
  expect(leftovers()).toEqual([]);
  expect(processesOf(temporary)).toEqual([]);
});

test.skipIf(!hasProc)('a relay that dies ends the demo with 1, its Postgres and its folder (needs /proc)', async () => {
  const demo = run();
  await says(demo, 'npm run relay -- init');
  const relay = processesOf(demo.folder()).find((pid) => read(pid, 'cmdline').includes('src/main.ts'));
  expect(relay).toBeDefined();
  if (relay !== undefined) process.kill(relay, 'SIGKILL');
  expect(await demo.exit).toBe(1);
  expect(demo.output()).toContain('the relay ended by itself');
  expect(leftovers()).toEqual([]);
  expect(processesOf(temporary)).toEqual([]);
});

test('an argument that makes no sense is refused with the usage', async () => {
  const demo = run('--twice');
  expect(await demo.exit).toBe(2);
  expect(demo.output()).toContain('Usage: npm run demo');
});
