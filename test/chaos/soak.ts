/** Weeks of traffic in minutes: memory, rows and handles stay flat, and retention really forgets. */
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { serviceHealth } from '#test/support/fixtures.ts';
import { INSPECTED, readMemory, slope, type MemoryReading } from './memory.ts';
import { letTimePass } from './passing-time.ts';
import { waitLevel } from './promises.ts';
import type { Context, Scenario } from './scenario.ts';
import type { Sender } from './sender.ts';
import { openStage, type Stage } from './stage.ts';
import { playOutage, withLimit } from './traffic.ts';

const DAY_MS = 86_400_000;
const RAW_DAYS = 2;
const INCIDENT_DAYS = 5;
const OUTAGES_A_DAY = 25;
const SHAPES_A_DAY = 20;
/** By then the first incidents have been forgotten, and a day brings what another takes. */
const LEVEL_DAY = INCIDENT_DAYS + 3;
/** Of a level figure: what Postgres and chance may add. */
const ROOM = 1.25;
const GROWTH_MB_A_DAY = 1;
const HANDLES = 15;
/** Upkeep forgets in its first round, a moment after the start, and every ten minutes. */
const KEEPER_MS = 1_500;

interface Day {
  memory: MemoryReading;
  files: number;
  rows: Record<string, number>;
}

export const soak: Scenario = {
  name: 'soak',
  footings: 'postgres (days of 24 compressed hours)',
  async run(context) {
    const stage = await openStage(context, {
      footing: 'postgres',
      parts: { pager: '', teams: '', hook: '' },
      rest: `retention: { raw: ${RAW_DAYS}d, incidents: ${INCIDENT_DAYS}d }\nroutes: [{ match: { kind: outage }, to: [oncall, channel, hook] }, { match: {}, to: [hook] }]`,
    });
    const relay = await stage.relay('all', INSPECTED);
    const keeper = await stage.relay('keeper', { RELAY_ROLE: 'worker' });
    await relay.start();
    const sender = stage.sender(relay);
    const db = new Client({ connectionString: stage.databaseUrl! });
    db.on('error', () => undefined);
    await db.connect();
    context.onEnd(() => db.end());
    const days: Day[] = [];
    for (let day = 0; day < context.size(12, 120); day++) {
      await live(context, stage, { sender, day });
      await letTimePass(stage.databaseUrl!, { stepMs: DAY_MS, steps: 1 });
      await keeper.start();
      await sleep(KEEPER_MS);
      await keeper.stop();
      const memory = await readMemory(relay);
      days.push({ memory, files: readdirSync(`/proc/${relay.pid}/fd`).length, rows: await rowsOf(db) });
      context.add('cycles', 1);
      if (day % 5 === 4) context.say(`day ${day + 1}: ${JSON.stringify(days.at(-1))}`);
    }
    judge(context, days);
    await relay.stop();
  },
};

async function live(context: Context, stage: Stage, { sender, day }: { sender: Sender; day: number }): Promise<void> {
  const ids = Array.from(
    { length: OUTAGES_A_DAY },
    (_, n) => `D${String(day).padStart(3, '0')}-${String(n).padStart(3, '0')}`,
  );
  await withLimit(ids, 8, async (id) => playOutage(sender, id));
  await withLimit(ids.slice(0, SHAPES_A_DAY), 8, async (id) => sender.post({ [`shape of ${id}`]: { value: id } }));
  // Reading is traffic as well.
  await withLimit(ids.slice(0, 10), 4, async (id) => sender.call('GET', `/incidents/${id}`));
  await waitLevel(context, stage, { sender, ids });
  // What was forgotten is still known: a late repeat opens nothing.
  if (day <= INCIDENT_DAYS + 2) return;
  const old = `D${String(day - INCIDENT_DAYS - 2).padStart(3, '0')}-000`;
  const again = await sender.post(
    serviceHealth({ trackingId: old, communication: 1, stage: 'Active', subscription: 1000 }),
  );
  context.promise(
    'a repeat of what retention has forgotten is still a repeat',
    again.signals[0]?.outcome === 'duplicate',
    again.text,
  );
}

async function rowsOf(db: Client): Promise<Record<string, number>> {
  const { rows } = await db.query<Record<string, number>>(
    `select (select count(*) from timeline)::int as timeline, (select count(*) from deliveries)::int as deliveries,
      (select count(*) from attempts)::int as attempts, (select count(*) from signals where raw is not null)::int as "raw bodies",
      (select count(*) from incidents)::int as "incidents (tombstones stay)", (select count(*) from workers)::int as workers,
      (select count(*) from pg_stat_activity where application_name like 'relay-%' and datname = current_database())::int as connections`,
  );
  return rows[0]!;
}

function judge(context: Context, days: readonly Day[]): void {
  const level = days[LEVEL_DAY - 1]!;
  const last = days.at(-1)!;
  for (const name of ['timeline', 'deliveries', 'attempts', 'raw bodies', 'workers', 'connections']) {
    const [then, now] = [level.rows[name]!, last.rows[name]!];
    context.figure(`${name}: rows on day ${LEVEL_DAY} and at the end`, `${then} ${now}`);
    context.promise(
      `${name} are flat`,
      now <= then * ROOM + 5,
      days.map((day) => day.rows[name]),
    );
  }
  context.figure('incidents (tombstones) at the end', last.rows['incidents (tombstones stay)']!);
  const after = days.slice(2);
  const live = slope(after.map((day) => day.memory.liveMb));
  context.figure(
    'live MB, first and last day',
    `${days[0]!.memory.liveMb.toFixed(0)} ${last.memory.liveMb.toFixed(0)}`,
  );
  context.figure(
    'resident MB, first and last day',
    `${days[0]!.memory.rssMb.toFixed(0)} ${last.memory.rssMb.toFixed(0)}`,
  );
  context.figure('live growth per day MB', live);
  context.promise(
    'memory is flat over days',
    live < GROWTH_MB_A_DAY,
    days.map((day) => Math.round(day.memory.liveMb)),
  );
  context.figure('handles, third and last day', `${days[2]!.memory.handles} ${last.memory.handles}`);
  context.figure('open files, third and last day', `${days[2]!.files} ${last.files}`);
  context.promise(
    'handles are flat over days',
    last.memory.handles <= days[2]!.memory.handles + HANDLES && last.files <= days[2]!.files + HANDLES,
    days.map((day) => [day.memory.handles, day.files]),
  );
}
