/** Child processes of a benchmark: each part runs apart, so that the load generator does not share an event loop with what it measures. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const HERE = import.meta.dirname;
const ROOT = resolve(HERE, '../..');
const NODE = join(ROOT, 'node_modules/.bin/node');

/** A bench that fails leaves nothing behind that would hold its output open. */
const running = new Set<ChildProcess>();
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')));

function watched(child: ChildProcess): ChildProcess {
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

export interface Child {
  process: ChildProcess;
  /** First line of JSON that the process printed. */
  ready: Record<string, unknown>;
  stop(): Promise<void>;
}

/** Starts a part of the bench (`load`, `sink`, `bare`, ...) and waits for its first JSON line. */
export async function startPart(name: string, args: readonly string[] = []): Promise<Child> {
  return start(NODE, [join(HERE, `${name}.ts`), ...args], {});
}

/** Starts the relay with its log thrown away, as a container with a fast log driver would. */
export async function startRelayProcess(env: Record<string, string>): Promise<Child> {
  const child = watched(
    spawn(NODE, [join(ROOT, 'src/main.ts')], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'inherit'],
    }),
  );
  const url = `http://127.0.0.1:${env['PORT']}/livez`;
  const begin = performance.now();
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the relay ended with ${child.exitCode}`);
    const up = await fetch(url).then(
      (r) => r.ok,
      () => false,
    );
    if (up) break;
    if (performance.now() - begin > 60_000) throw new Error('the relay did not start');
    await new Promise((done) => setTimeout(done, 10));
  }
  return { process: child, ready: { startMs: performance.now() - begin }, stop: () => end(child) };
}

/** Runs a part to its end and returns the last JSON line. */
export async function runPart(name: string, args: readonly string[]): Promise<Record<string, number>> {
  const child = spawn(NODE, [join(HERE, `${name}.ts`), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  const code = await new Promise((done) => child.once('close', done));
  if (code !== 0) throw new Error(`${name} ended with ${String(code)}`);
  return JSON.parse(out.trim().split('\n').at(-1)!) as Record<string, number>;
}

async function start(command: string, args: readonly string[], env: Record<string, string>): Promise<Child> {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  watched(child);
  const ready = await new Promise<Record<string, unknown>>((done, fail) => {
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
      const line = out.indexOf('\n');
      if (line >= 0) done(JSON.parse(out.slice(0, line)) as Record<string, unknown>);
    });
    child.once('exit', (code) => fail(new Error(`${args[0]} ended with ${code}`)));
  });
  return { process: child, ready, stop: () => end(child) };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((done) => child.once('exit', done));
  child.kill('SIGTERM');
  await gone;
}

/** Resident memory and CPU time of a process, from /proc; null elsewhere. */
export function usage(pid: number): { rssMb: number; cpuMs: number } | null {
  try {
    const rss = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    return { rssMb: Number(rss?.[1] ?? 0) / 1024, cpuMs: (Number(stat[11]) + Number(stat[12])) * 10 };
  } catch {
    return null;
  }
}
