/**
 * Load generator: posts alerts or Service Health messages, at a concurrency or at a rate. Prints one JSON line.
 * node load.ts <url> <json options>
 */
import { writeFileSync } from 'node:fs';
import { Pool } from 'undici';
import { bodyOf, type Shape } from './bodies.ts';
import { percentile } from './stats.ts';

export interface LoadOptions {
  path: string;
  shape: Shape;
  count: number;
  concurrency: number;
  /** Posts per second; 0 is as fast as possible. */
  rate: number;
  /** Number of the first body, so that several runs do not repeat each other. */
  from: number;
  /** Where the sending times go, by key of the body. */
  timesFile: string | null;
}

const [url, json] = process.argv.slice(2);
const options = JSON.parse(json!) as LoadOptions;
const pool = new Pool(new URL(url!).origin, { connections: options.concurrency, pipelining: 1 });
const latencies: number[] = [];
const times: Record<string, number> = {};
const statuses: Record<string, number> = {};
let next = 0;

async function one(index: number): Promise<void> {
  const { key, body } = bodyOf(options.shape, options.from + index);
  const begin = performance.now();
  if (options.timesFile) times[key] ??= performance.timeOrigin + begin;
  const { statusCode, body: answer } = await pool.request({
    path: options.path,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  await answer.dump();
  latencies.push(performance.now() - begin);
  statuses[statusCode] = (statuses[statusCode] ?? 0) + 1;
}

const begin = performance.now();
if (options.rate > 0) {
  const running: Promise<void>[] = [];
  while (next < options.count) {
    const due = Math.floor(((performance.now() - begin) / 1000) * options.rate);
    while (next < options.count && next <= due) running.push(one(next++));
    await new Promise((done) => setTimeout(done, 1));
  }
  await Promise.all(running);
} else {
  const worker = async (): Promise<void> => {
    while (next < options.count) await one(next++);
  };
  await Promise.all(Array.from({ length: options.concurrency }, worker));
}
const seconds = (performance.now() - begin) / 1000;
await pool.close();
if (options.timesFile) writeFileSync(options.timesFile, JSON.stringify(times));
console.log(
  JSON.stringify({
    perSecond: options.count / seconds,
    seconds,
    p50: percentile(latencies, 50),
    p99: percentile(latencies, 99),
    max: percentile(latencies, 100),
    ok: statuses['202'] ?? statuses['200'] ?? 0,
    other: Object.entries(statuses)
      .filter(([s]) => s !== '202' && s !== '200')
      .reduce((sum, [, n]) => sum + n, 0),
  }),
);
