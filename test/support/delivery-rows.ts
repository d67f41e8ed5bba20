/** Rows of the delivery side, written as the ingest writes them, for tests of one statement or one lane. */
import { Pool } from 'pg';
import { migrate } from '#src/db/migrate.ts';
import type { TestPostgres } from './postgres.ts';

/** A migrated database of one's own. */
export async function openDatabase(postgres: TestPostgres): Promise<Pool> {
  const url = await postgres.freshDatabase();
  await migrate(url);
  const pool = new Pool({ connectionString: url, max: 5 });
  pool.on('error', () => undefined);
  return pool;
}

export interface Revision {
  state?: 'active' | 'resolved';
  change?: 'open' | 'update' | 'close' | 'reopen' | 'note';
}

/** One incident with its timeline, newest revision last. */
export async function addIncident(
  db: Pool,
  id: string,
  {
    revisions = [{}],
    identity = `sh/${id}`,
    episode = 1,
    kind = 'outage',
    severity = 'error',
  }: { revisions?: readonly Revision[]; identity?: string; episode?: number; kind?: string; severity?: string } = {},
): Promise<void> {
  await db.query(
    `insert into incidents (id, identity, episode, latest, kind, state, severity, title, headline, revision, posts, scope_count, first_seen_at, last_seen_at)
     values ($1, $2, $3, not exists (select 1 from incidents where identity = $2 and latest), $4, $5, $6, 'title', 'headline', $7, '[]', 1, now(), now())`,
    [id, identity, episode, kind, revisions.at(-1)?.state ?? 'active', severity, revisions.length],
  );
  await db.query(
    `insert into incident_scope (incident_id, key, subscription, service, region, resource, source, rule, schema, first_seen_at)
     values ($1, 'key', '', 'service', 'region', '', 'test', '', 'test', now())`,
    [id],
  );
  for (const [index, { state = 'active', change = index === 0 ? 'open' : 'update' }] of revisions.entries())
    await addRevision(db, id, { revision: index + 1, state, change });
}

/** One more revision on the timeline; the incident and its deliveries are left alone. */
export async function addRevision(
  db: Pool,
  id: string,
  { revision, state, change }: Required<Revision> & { revision: number },
): Promise<void> {
  const snapshot = {
    state,
    stage: 'Active',
    severity: 'error',
    title: 'title',
    startedAt: null,
    mitigatedAt: null,
    resolvedAt: null,
    endsAt: null,
    retracted: false,
    change,
    severityRose: false,
    changes: [],
    late: false,
    communication: null,
  };
  await db.query(
    `insert into timeline (incident_id, revision, at, kind, summary, snapshot) values ($1, $2, now(), 'state', 'summary', $3)`,
    [id, revision, JSON.stringify(snapshot)],
  );
}

/** One delivery; `columns` over what a new one has. */
export async function addDelivery(
  db: Pool,
  id: string,
  columns: Record<string, unknown> & { incident_id: string; destination: string },
): Promise<void> {
  const row: Record<string, unknown> = { id, type: 'webhook', wanted_revision: 1, first_revision: 1, ...columns };
  const names = Object.keys(row);
  await db.query(
    `insert into deliveries (${names.join(', ')}) values (${names.map((_, index) => `$${index + 1}`).join(', ')})`,
    Object.values(row),
  );
}

/** One attempt, accepted unless said otherwise. */
export async function addAttempt(
  db: Pool,
  delivery: string,
  { number, ...columns }: Record<string, unknown> & { number: number },
): Promise<void> {
  const row: Record<string, unknown> = {
    delivery_id: delivery,
    number,
    action: 'open',
    covers_from: 1,
    covers_to: 1,
    outcome: 'accepted',
    ...columns,
  };
  const names = Object.keys(row);
  await db.query(
    `insert into attempts (${names.join(', ')}) values (${names.map((_, index) => `$${index + 1}`).join(', ')})`,
    Object.values(row),
  );
}

/** The delivery as it stands. */
// oxlint-disable-next-line typescript/no-explicit-any -- asserted on by path
export async function deliveryOf(db: Pool, id: string): Promise<any> {
  return (await db.query('select * from deliveries where id = $1', [id])).rows[0];
}
