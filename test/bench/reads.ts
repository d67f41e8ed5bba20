/** Lists and timelines over a million signals, at rest and while ingest runs at half its rate. Goal 6: p99 under 10 ms. */
import pg from 'pg';
import { Pool } from 'undici';
import { runPart } from './processes.ts';
import { seed } from './seed.ts';
import { API_TOKEN, openStage, type Stage } from './stage.ts';
import { percentile } from './stats.ts';
import type { Line } from './table.ts';

/** What people ask for; `{n}` changes with each request, so that no answer can come from a cache of one. */
const ASKED: Record<string, string> = {
  'list, newest': '/v1/incidents?limit=50',
  'list, what is going on': '/v1/incidents?state=active',
  'list, one service in one region': '/v1/incidents?service=Service%20{n23}&region=Region%20{n37}&kind=outage',
  'list, a region that nothing was in': '/v1/incidents?region=Nowhere%20{n23}',
  'list, one subscription': '/v1/incidents?subscription=00000000-0000-4000-8000-{sub}',
  'list, by a word of a post': '/v1/incidents?q=word{hundred}',
  'list, by tracking ID': '/v1/incidents?q=SEED-{outage}',
  timeline: '/v1/incidents/SEED-{outage}/timeline',
  'incident with 500 subscriptions': '/v1/incidents/SEED-{outage}',
};

export async function reads({ requests }: { requests: number }): Promise<Line[]> {
  const stage = await openStage({ footing: 'redis' });
  const db = new pg.Client(stage.databaseUrl!);
  const pool = new Pool(stage.url, { connections: 2 });
  try {
    await db.connect();
    const begin = performance.now();
    const seeded = await seed(db);
    const seededS = Math.round((performance.now() - begin) / 1000);
    const lines: Line[] = [
      {
        name: 'seeded',
        goal: '-',
        value: `${seeded.signals} signals`,
        detail: `${seeded.incidents} incidents, ${seeded.timeline} timeline entries, ${seededS} s`,
      },
    ];
    for (const [name, path] of Object.entries(ASKED)) lines.push(await ask(pool, { name, path, requests }));
    const busy = ingestAtHalf(stage);
    for (const name of ['list, newest', 'timeline'])
      lines.push(await ask(pool, { name: `${name}, while 500 posts a second come in`, path: ASKED[name]!, requests }));
    await busy;
    return lines;
  } finally {
    await db.end();
    await pool.close();
    await stage.stop();
  }
}

function ingestAtHalf(stage: Stage): Promise<unknown> {
  return runPart('load', [
    stage.url,
    JSON.stringify({
      path: stage.path,
      shape: 'distinct',
      count: 5_000,
      concurrency: 64,
      rate: 500,
      from: 0,
      timesFile: null,
    }),
  ]);
}

async function ask(pool: Pool, asked: { name: string; path: string; requests: number }): Promise<Line> {
  const times: number[] = [];
  const one = async (n: number): Promise<void> => {
    const begin = performance.now();
    const { statusCode, body } = await pool.request({
      path: fill(asked.path, n),
      method: 'GET',
      headers: { authorization: `Bearer ${API_TOKEN}` },
    });
    await body.dump();
    if (statusCode !== 200) throw new Error(`${fill(asked.path, n)} answered ${statusCode}`);
    times.push(performance.now() - begin);
  };
  for (let n = 0; n < 20; n++) await one(n);
  times.length = 0;
  for (let n = 0; n < asked.requests; n++) await one(n * 7919);
  return {
    name: asked.name,
    goal: 'p99 < 10 ms',
    value: `p99 ${percentile(times, 99).toFixed(1)} ms`,
    detail: `p50 ${percentile(times, 50).toFixed(1)} ms, max ${percentile(times, 100).toFixed(1)} ms, ${asked.requests} requests one after the other`,
  };
}

function fill(path: string, n: number): string {
  return path
    .replace('{n23}', String(n % 23))
    .replace('{n37}', String(n % 37))
    .replace('{hundred}', String((n % 50) * 100))
    .replace('{sub}', String(n % 5000).padStart(12, '0'))
    .replace('{outage}', String((1 + (n % 1000)) * 100));
}
