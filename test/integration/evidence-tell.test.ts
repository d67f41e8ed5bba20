/** What a look writes, on a real Postgres, where its lease was no use: twice at once, again after a crash, out of order. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Pool } from 'pg';
import { adapters } from '#src/app.ts';
import { loadConfig } from '#src/config/load.ts';
import type { ResourceEvidence, Verdict } from '#src/core/evidence.ts';
import { claimEvidence, forgetEvidence, noteEvidenceRound, readEvidence, type DueEvidence } from '#src/db/evidence.ts';
import { migrate } from '#src/db/migrate.ts';
import { openPools } from '#src/db/pools.ts';
import { newId } from '#src/ids.ts';
import { updateSignal } from '#src/pipeline/backfill/signals.ts';
import { tellLook, type Look } from '#src/pipeline/evidence/tell.ts';
import { createIngest, type Ingest } from '#src/pipeline/ingest.ts';
import { quarantined } from '#src/pipeline/quarantine.ts';
import { createScopeCache } from '#src/pipeline/scope-cache.ts';
import { recordOf } from '#test/support/azure/push.ts';
import { subscriptionId } from '#test/support/fixtures.ts';
import { openStores, type Stores } from '#test/support/relay.ts';

let stores: Stores;
let pool: Pool;
let ingest: Ingest;

beforeAll(async () => void (stores = await openStores('postgres')));
afterAll(() => stores.stop());
beforeEach(async () => {
  const { DATABASE_URL: url } = await stores.environment();
  await migrate(url!);
  const pools = openPools(url!, () => undefined);
  pool = pools.read;
  const config = loadConfig('destinations: {}\nroutes: []\n', { file: 'relay.yaml', env: {}, adapters });
  if (!config.ok) throw new Error(JSON.stringify(config.faults));
  ingest = createIngest({
    pool: pools.ingest,
    config: () => config.config,
    scopes: createScopeCache(),
    newId,
    now: () => new Date(),
    quarantine: quarantined,
    onCommitted: () => undefined,
    onError(error) {
      throw error;
    },
  });
  return () => pools.end();
});

async function outage(trackingId: string): Promise<DueEvidence> {
  const record = recordOf({ trackingId, subscriptions: [subscriptionId(1)], minutesAgo: [40] });
  const event = { ...record, subscription: subscriptionId(1), level: 'Error', mitigatedAt: null };
  const azure = {
    ...event,
    updatedAt: record.posts[0]!.at,
    impacts: [{ service: record.service, regions: record.regions }],
    updates: record.posts.map((post) => ({ ...post, tags: [] })),
  };
  await ingest.submit([updateSignal(azure, azure.updates[0]!, new Date().toISOString())]);
  return (await claimEvidence(pool, 0))!;
}

function evidence(name: string, verdict: Verdict, reason = 'because'): ResourceEvidence {
  return {
    resource: `/x/${name}`,
    name,
    kind: 'registry',
    verdict,
    reason,
    checks: [],
    alerts: [],
    serving: null,
    replicas: [],
    advice: [],
  };
}

const look = (incident: DueEvidence, found: ResourceEvidence[], more: Partial<Look> = {}): Look => ({
  incident,
  found,
  kept: [],
  again: new Map(),
  window: null,
  last: false,
  nextInMs: 60_000,
  ...more,
});
const tell = (one: Look) => tellLook(one, { pool, ingest, now: () => new Date() });

async function record(
  id: string,
): Promise<{ entries: string[]; notes: number; revision: number; words: string | null }> {
  const timeline = await pool.query<{ summary: string; snapshot: unknown }>(
    `select summary, snapshot from timeline where incident_id = $1 and kind = 'evidence' order by id`,
    [id],
  );
  const incident = await pool.query<{ revision: number; words: string | null }>(
    `select revision, details->>'Evidence' as words from incidents where id = $1`,
    [id],
  );
  return {
    entries: timeline.rows.map((row) => row.summary),
    notes: timeline.rows.filter((row) => row.snapshot !== null).length,
    ...incident.rows[0]!,
  };
}

test('two replicas that look at the same moment make one note, and neither fails', async () => {
  const incident = await outage('TELL-001');
  const same = look(incident, [evidence('acr1', 'hit'), evidence('acr2', 'not seen')]);
  await Promise.all(Array.from({ length: 8 }, () => tell(same)));
  const { notes, revision, words } = await record(incident.id);
  expect({ notes, revision, words }).toEqual({ notes: 1, revision: 2, words: 'acr1 hit: because; not seen at acr2' });
});

test('a replica that outlived its lease and found something else tells that as well', async () => {
  const incident = await outage('TELL-008');
  await tell(look(incident, [evidence('acr1', 'hit'), evidence('acr2', 'unknown')]));
  await tell(look(incident, [evidence('acr1', 'hit'), evidence('acr2', 'hit')]));
  const { entries, notes } = await record(incident.id);
  expect(entries).toEqual(['Evidence: acr1 hit: because', 'Evidence: acr2 hit: because']);
  expect(notes).toBe(2);
});

test('only what is news is told: a hit, its end, a resource that joins, a hit found after the end; never an unknown or the same again', async () => {
  const incident = await outage('TELL-002');
  const again = async (found: ResourceEvidence[], endedAt: string | null = null) => {
    const [row] = (
      await pool.query<{ number: number }>('select number from evidence_rounds where incident_id = $1', [incident.id])
    ).rows;
    const now = { ...incident, number: row?.number ?? 0, endedAt };
    return (await tell(look(now, found, { last: endedAt !== null }))).told;
  };
  const over = new Date().toISOString();
  expect(await again([evidence('acr1', 'unknown', 'too early')])).toBe(false);
  expect(await again([evidence('acr1', 'hit')])).toBe(true);
  expect(await again([evidence('acr1', 'hit', 'more of it')])).toBe(false);
  expect((await record(incident.id)).words).toBe('acr1 hit: more of it');
  expect(await again([evidence('acr1', 'unknown', '403')])).toBe(false);
  expect(await again([evidence('acr1', 'hit')])).toBe(false);
  expect(await again([evidence('acr1', 'hit'), evidence('acr2', 'not seen')])).toBe(true);
  expect(await again([evidence('acr1', 'not seen'), evidence('acr2', 'not seen')])).toBe(true);
  expect(await again([evidence('acr1', 'hit'), evidence('acr2', 'not seen')], over)).toBe(true);
  expect(await again([evidence('acr1', 'hit', 'more of it'), evidence('acr2', 'unknown', '403')], over)).toBe(false);
  expect(await again([evidence('acr1', 'not seen'), evidence('acr2', 'not seen')], over)).toBe(false);
  const { entries, notes } = await record(incident.id);
  expect(entries.map((entry) => entry.split(':')[0])).toEqual([
    ...Array<string>(6).fill('Evidence'),
    ...Array<string>(3).fill('Evidence at the end'),
  ]);
  expect(notes).toBe(4);
  expect((await readEvidence(pool, incident.id)).map((row) => row.told)).toEqual(['hit', 'not seen']);
});

test('pulls that move to another region are a note of their own, once for each change of regions', async () => {
  const incident = await outage('TELL-006');
  let number = 0;
  const again = async (to: string | null, at: string, more: Partial<DueEvidence> = {}) => {
    const moved = to === null ? null : { from: 'westeurope', to, at: `2026-09-14T${at}:00.000Z` };
    const one = { ...evidence('acr1', 'hit'), serving: { before: [], during: [], moved } };
    const now = { ...incident, number: number++, ...more };
    return (await tell(look(now, [one], { last: now.endedAt !== null }))).told;
  };
  expect(await again(null, '')).toBe(true);
  expect(await again('northeurope', '08:20')).toBe(true);
  // The same move, dated anew by more logs; gone again, and back; as another spelling.
  expect(await again('northeurope', '08:25')).toBe(false);
  expect(await again(null, '')).toBe(false);
  expect(await again('North Europe', '09:10')).toBe(false);
  expect(await again('swedencentral', '09:20')).toBe(true);
  expect(await again('francecentral', '09:30', { endedAt: new Date().toISOString() })).toBe(false);
  const { entries, notes } = await record(incident.id);
  expect(notes).toBe(3);
  expect(entries).toEqual([
    'Evidence: acr1 hit: because',
    'Evidence: pulls of acr1 moved from westeurope to northeurope at 08:20 UTC',
    'Evidence: pulls of acr1 moved from westeurope to swedencentral at 09:20 UTC',
    'Evidence at the end: acr1 hit: because; pulls of acr1 moved from westeurope to francecentral at 09:30 UTC',
  ]);
});

test('a move that is seen together with the verdict is in the same note', async () => {
  const incident = await outage('TELL-007');
  const moved = { from: 'westeurope', to: 'northeurope', at: '2026-09-14T08:20:00.000Z' };
  const one = { ...evidence('acr1', 'not seen'), serving: { before: [], during: [], moved } };
  await tell(look(incident, [one, evidence('acr2', 'hit')]));
  const { entries, notes } = await record(incident.id);
  expect({ entries, notes }).toEqual({
    entries: [
      'Evidence: acr2 hit: because; not seen at acr1; pulls of acr1 moved from westeurope to northeurope at 08:20 UTC',
    ],
    notes: 1,
  });
});

test('what a post tells later leaves the words of evidence as they are, and they leave its facts', async () => {
  const incident = await outage('TELL-003');
  await tell(look(incident, [evidence('acr1', 'hit')]));
  const before = await pool.query<{ details: Record<string, string> }>('select details from incidents where id = $1', [
    incident.id,
  ]);
  const post = recordOf({ trackingId: 'TELL-003', subscriptions: [subscriptionId(1)], minutesAgo: [40, 10] });
  const azure = {
    ...post,
    subscription: subscriptionId(1),
    level: 'Error',
    mitigatedAt: null,
    updatedAt: post.posts[1]!.at,
    impacts: [{ service: post.service, regions: post.regions }],
    updates: post.posts.map((one) => ({ ...one, tags: [] })),
  };
  await ingest.submit([updateSignal(azure, azure.updates[1]!, new Date().toISOString())]);
  const after = await pool.query<{ details: Record<string, string> }>('select details from incidents where id = $1', [
    incident.id,
  ]);
  expect(after.rows[0]!.details['Evidence']).toBe('acr1 hit: because');
  expect(Object.keys(after.rows[0]!.details).sort()).toEqual(Object.keys(before.rows[0]!.details).sort());
});

test('an incident is due at first, then by its time, once after its end, and is forgotten with its timeline', async () => {
  const incident = await outage('TELL-004');
  const due = async (): Promise<boolean> => (await claimEvidence(pool, 0))?.id === incident.id;
  expect(await due()).toBe(true);
  await tell(look(incident, [evidence('acr1', 'hit')]));
  expect(await due()).toBe(false);
  await noteEvidenceRound(pool, { incidentId: incident.id, nextInMs: -1, over: false });
  expect(await due()).toBe(true);
  await pool.query(`update incidents set state = 'resolved', resolved_at = now() where id = $1`, [incident.id]);
  expect((await claimEvidence(pool, 0))?.endedAt).toEqual(expect.any(String));
  await tell(look(incident, [evidence('acr1', 'hit')], { last: true }));
  expect(await due()).toBe(false);
  await forgetEvidence(pool, 3_600_000);
  expect(await readEvidence(pool, incident.id)).toHaveLength(1);
  await pool.query(`update incidents set last_seen_at = now() - interval '2 hours' where id = $1`, [incident.id]);
  await forgetEvidence(pool, 3_600_000);
  expect(await readEvidence(pool, incident.id)).toEqual([]);
});

test('an end that lies ahead, by a clock that is off, is taken for when we last heard of it', async () => {
  const { id } = await outage('TELL-009');
  await pool.query(
    `update incidents set state = 'resolved', resolved_at = now(), mitigated_at = now() + interval '30 days'`,
  );
  const due = await claimEvidence(pool, 0);
  expect(due?.id).toBe(id);
  expect(Date.parse(due!.endedAt!)).toBeLessThanOrEqual(Date.now());
});

test('of many replicas that come for the same incident one gets it, until its lease ends', async () => {
  const incident = await outage('TELL-005');
  // Again and again on open connections: once alone they would take turns.
  for (let round = 0; round < 40; round++) {
    await noteEvidenceRound(pool, { incidentId: incident.id, nextInMs: -1, over: false });
    const claims = await Promise.all(Array.from({ length: 6 }, () => claimEvidence(pool, 60_000)));
    expect(claims.filter((one) => one !== null).map((one) => one.id)).toEqual([incident.id]);
  }
  await noteEvidenceRound(pool, { incidentId: incident.id, nextInMs: -1, over: false });
  expect((await claimEvidence(pool, 400))?.id).toBe(incident.id);
  await expect.poll(async () => (await claimEvidence(pool, 60_000))?.id).toBe(incident.id);
  expect(await claimEvidence(pool, 60_000)).toBeNull();
});
