/** Distinct incidents from webhook in to signed webhook out, with fsync on; beside it Alertmanager where it is on PATH. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ownPort } from '#test/support/own-port.ts';
import { runPart, startPart, usage } from './processes.ts';
import { openStage, waitForKeys, type Stage } from './stage.ts';
import { percentile } from './stats.ts';
import type { Line } from './table.ts';

interface Through {
  perSecond: number;
  p50: number;
  p99: number;
  rssMb: number;
  complete: boolean;
  cpuPerIncident: number;
}

/** Goal 1: at least Alertmanager's rate at no more than half its p99 and half its memory. */
export async function through({ count }: { count: number }): Promise<Line[]> {
  const stage = await openStage({ footing: 'redis' });
  let ours: Through;
  let detail = '';
  try {
    await measure({ ...target(stage), count: 1_000, from: 0 });
    await stage.sink.reset();
    ours = await measure({ ...target(stage), count, from: 10_000 });
    const metrics = await (
      await fetch(`${stage.url}/metrics`, { headers: { authorization: 'Bearer bench-api-token-000000001' } })
    ).text();
    const sum = (name: string): string =>
      /(\d+)$/m.exec(metrics.split('\n').find((line) => line.startsWith(name)) ?? '')?.[1] ?? '0';
    detail = `rings ${sum('relay_rings_total{result="sent"}')}, drains by reconciler ${sum('relay_reconciled_total')}`;
  } finally {
    await stage.stop();
  }
  const lines: Line[] = [line('webhook in to webhook out', ours, detail)];
  const theirs = await alertmanager(count);
  if (theirs) {
    lines.push(line('Alertmanager, in memory', theirs, ''));
    lines.push({
      name: 'ratio to Alertmanager',
      goal: 'rate >= 1, p99 <= 0.5, memory <= 0.5',
      value: `rate ${(ours.perSecond / theirs.perSecond).toFixed(2)}`,
      detail: `p99 ${(ours.p99 / theirs.p99).toFixed(2)}, memory ${(ours.rssMb / theirs.rssMb).toFixed(2)}`,
    });
  }
  return lines;
}

function line(name: string, t: Through, detail: string): Line {
  const all = `p50 ${Math.round(t.p50)} ms, p99 ${Math.round(t.p99)} ms, ${Math.round(t.rssMb)} MB, ${t.cpuPerIncident.toFixed(2)} CPU-ms each${t.complete ? '' : ', INCOMPLETE'}`;
  return { name, goal: '-', value: `${Math.round(t.perSecond)}/s`, detail: detail ? `${all}; ${detail}` : all };
}

function target(stage: Stage): Omit<Parameters<typeof measure>[0], 'count' | 'from'> {
  return {
    url: stage.url,
    path: stage.path,
    shape: 'distinct',
    pid: stage.relay.process.pid!,
    wait: (keys) => waitForKeys(stage, keys),
    times: () => stage.sink.times(),
  };
}

async function measure(options: {
  url: string;
  path: string;
  shape: string;
  count: number;
  from: number;
  pid: number;
  wait(keys: number): Promise<boolean>;
  times(): Promise<Record<string, number>>;
}): Promise<Through> {
  const folder = mkdtempSync(join(tmpdir(), 'relay-times-'));
  const timesFile = join(folder, 'times.json');
  const before = usage(options.pid)?.cpuMs ?? 0;
  await runPart('load', [
    options.url,
    JSON.stringify({
      path: options.path,
      shape: options.shape,
      count: options.count,
      concurrency: 64,
      rate: 0,
      from: options.from,
      timesFile,
    }),
  ]);
  const complete = await options.wait(options.count);
  const after = usage(options.pid);
  const sent = JSON.parse(readFileSync(timesFile, 'utf8')) as Record<string, number>;
  const got = await options.times();
  rmSync(folder, { recursive: true });
  const waits = Object.keys(sent).flatMap((key) => (got[key] === undefined ? [] : [got[key] - sent[key]!]));
  const span = Math.max(...Object.values(got)) - Math.min(...Object.values(sent));
  return {
    perSecond: (waits.length / span) * 1000,
    p50: percentile(waits, 50),
    p99: percentile(waits, 99),
    rssMb: after?.rssMb ?? 0,
    complete,
    cpuPerIncident: ((after?.cpuMs ?? 0) - before) / options.count,
  };
}

async function alertmanager(count: number): Promise<Through | null> {
  if (spawnSync('prometheus-alertmanager', ['--version']).status !== 0) return null;
  const folder = mkdtempSync(join(tmpdir(), 'relay-am-'));
  const sink = await startPart('sink');
  const sinkUrl = `http://127.0.0.1:${String(sink.ready['port'])}`;
  const port = await ownPort();
  writeFileSync(
    join(folder, 'am.yml'),
    `route: { receiver: hook, group_by: ['...'], group_wait: 0s, group_interval: 1s, repeat_interval: 4h }\nreceivers: [{ name: hook, webhook_configs: [{ url: "${sinkUrl}/hook" }] }]\n`,
  );
  const child = spawn(
    'prometheus-alertmanager',
    [
      `--config.file=${folder}/am.yml`,
      `--storage.path=${folder}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--cluster.listen-address=',
    ],
    { stdio: 'ignore' },
  );
  const url = `http://127.0.0.1:${port}`;
  try {
    while (
      !(await fetch(`${url}/-/ready`).then(
        (r) => r.ok,
        () => false,
      ))
    )
      await new Promise((done) => setTimeout(done, 50));
    const ask = async <T>(path: string): Promise<T> => (await fetch(sinkUrl + path)).json() as Promise<T>;
    const stage = { sink: { counts: () => ask<{ keys: number }>('/') } } as unknown as Stage;
    return await measure({
      url,
      path: '/api/v2/alerts',
      shape: 'alertmanager',
      count,
      from: 0,
      pid: child.pid!,
      wait: (keys) => waitForKeys(stage, keys),
      times: () => ask('/times'),
    });
  } finally {
    child.kill('SIGKILL');
    await sink.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
