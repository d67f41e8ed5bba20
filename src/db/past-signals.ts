/** What was received in a span of time, for `relay replay --from`: read in one snapshot by a guest who may write nothing. */
import { Client } from 'pg';
import type { Kind, Severity, SignalOutcome, SignalSchema } from '#src/core/signal.ts';
import { connectionOf, readyToSignIn, type PostgresAddress } from './address.ts';
import type { Queryable } from './pools.ts';

export interface PastSignal {
  fingerprint: string;
  source: string;
  schema: SignalSchema;
  /** ISO 8601 UTC, like the times below. */
  receivedAt: string;
  occurredAt: string;
  outcome: SignalOutcome;
  title: string;
  /** Null once retention has removed the body. */
  raw: string | null;
  /** Of the incident that it was folded into; null for a test, and where retention has removed that too. */
  identity: string | null;
  kind: Kind | null;
  trackingId: string | null;
  severity: Severity | null;
}

/** Rows per round trip: a body is at most 1 MiB and mostly a few KiB. */
const FETCH_ROWS = 500;
const CONNECT_MS = 5_000;
/** There is no index by time of receipt alone: a million signals are read through in seconds, not in milliseconds. */
const STATEMENT_MS = 120_000;

/** One connection and one snapshot for the length of `work`; the server refuses every write. Throws what pg throws. */
export async function visitReadOnly<T>(address: PostgresAddress, work: (db: Queryable) => Promise<T>): Promise<T> {
  await readyToSignIn(address);
  const client = new Client({
    ...connectionOf(address),
    application_name: 'relay-replay',
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: STATEMENT_MS,
  });
  // The statement that was running fails by itself.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('begin transaction isolation level repeatable read, read only');
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

const ISO = (column: string): string => `to_char(${column} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

const PAST_SIGNAL = `s.fingerprint, s.source, s.schema, ${ISO('s.received_at')} as "receivedAt", ${ISO('s.occurred_at')} as "occurredAt",
       s.outcome, s.title, s.raw, i.identity, i.kind, i.tracking_id as "trackingId", i.severity`;

/**
 * Signals of the incidents of which one came within [from, to), from the first of each of them on, and the tests of
 * that span; in the order of receipt. Canaries are left out. Inside a transaction.
 */
export async function* readPastSignals(
  db: Queryable,
  { from, to }: { from: string; to: string },
): AsyncGenerator<PastSignal> {
  await db.query(
    `declare past no scroll cursor for
     with touched as materialized (
       select distinct incident_id as id from signals where received_at >= $1 and received_at < $2 and incident_id is not null
     ), found as (
       select s.* from touched t join signals s on s.incident_id = t.id where s.received_at < $2
       union all
       select s.* from signals s where s.incident_id is null and s.received_at >= $1 and s.received_at < $2
     )
     select ${PAST_SIGNAL}
     from found s left join incidents i on i.id = s.incident_id
     where s.source <> 'canary' and i.kind is distinct from 'canary'
     order by s.received_at, s.occurred_at, s.id`,
    [from, to],
  );
  for (;;) {
    const { rows } = await db.query<PastSignal>(`fetch ${FETCH_ROWS} from past`);
    yield* rows;
    if (rows.length < FETCH_ROWS) return;
  }
}

/** All signals of one incident, and of the episodes of its identity before it, in the order of receipt. */
export async function readIncidentSignals(
  db: Queryable,
  id: string,
): Promise<{ id: string; identity: string; episode: number; signals: PastSignal[] } | null> {
  const { rows } = await db.query<{ id: string; identity: string; episode: number }>(
    `select id, identity, episode from incidents where id = $1 or lower(tracking_id) = lower($1) order by episode desc limit 1`,
    [id],
  );
  const [found] = rows;
  if (!found) return null;
  const { rows: signals } = await db.query<PastSignal>(
    `select ${PAST_SIGNAL} from incidents i join signals s on s.incident_id = i.id
     where i.identity = $1 and i.episode <= $2 order by s.received_at, s.occurred_at, s.id`,
    [found.identity, found.episode],
  );
  return { ...found, signals };
}
