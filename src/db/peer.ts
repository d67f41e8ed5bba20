/** SQL between two relays of one `relayId`: what one has told, what the other holds back for it (docs/adr/standby.md). */
import { createHash } from 'node:crypto';
import type { IncidentState } from '#src/core/adapter.ts';
import type { Severity } from '#src/core/signal.ts';
import { freeHeld } from './pass-through.ts';
import type { Queryable } from './pools.ts';

/** A process that delivers beats every second; five without one mean that nobody does. */
const DELIVERS_WITHIN = `interval '5 seconds'`;
/** An incident has some dozen communications; those that are asked about are the newest. */
const COMMUNICATIONS_MAX = 500;
/** Who holds something back looks at it again when its time has come; unless it cannot, because its destination is switched off or paused. */
const LOOKED_AT_WITHIN = `interval '10 seconds'`;
/** Episodes that are over may still be the ones that are asked about. */
const EPISODES_WITHIN = `interval '1 hour'`;

/** What tells one store from another, and whether somebody delivers from it. */
export interface StoreState {
  /** Opaque. A copy has that of its original. */
  store: string;
  delivers: boolean;
}

/** Reads both. Rejects while the database is away. */
export async function readStore(db: Queryable): Promise<StoreState> {
  // When the first migration ran, to the microsecond: no two stores share it.
  const { rows } = await db.query<{ born: string; delivers: boolean }>({
    name: 'read-store',
    text: `select (select (extract(epoch from applied_at) * 1000000)::bigint::text from relay_migrations order by number limit 1) as born,
      exists (select 1 from workers where beat_at > now() - ${DELIVERS_WITHIN}) as delivers`,
  });
  const { born, delivers } = rows[0]!;
  return { store: createHash('sha256').update(born).digest('hex').slice(0, 16), delivers };
}

export interface LedgerRow {
  /** Index of the question. */
  ask: number;
  /** The destination has accepted something of it. */
  accepted: boolean;
  /** It is held back, or waits for its policy's time: not for a peer, and not because nobody can look at it any more. */
  held: boolean;
  communications: { id: string | null; at: string; title: string }[];
  stands: { state: IncidentState; severity: Severity; startedAt: string | null } | null;
}

/** How far destinations (by their id) were brought with identities; a row for each recent episode, none where nothing was promised. */
export async function readLedgers(
  db: Queryable,
  asks: readonly { identity: string; destination: string }[],
): Promise<LedgerRow[]> {
  const { rows } = await db.query<LedgerRow>({
    name: 'read-ledgers',
    text: `select a.ask, d.first_accepted_at is not null as accepted,
        (d.state = 'suppressed' and d.held_why is distinct from 'standby' and d.next_attempt_at > now() - ${LOOKED_AT_WITHIN})
          or (d.state = 'pending' and d.tries = 0 and d.next_attempt_at > now()) as held,
        coalesce((select json_agg(c.said) from (select json_build_object('id', t.snapshot->'communication'->'id', 'at', t.snapshot->'communication'->'at',
            'title', t.snapshot->'communication'->'title') as said from timeline t
          where t.incident_id = d.incident_id and t.snapshot is not null and t.revision <= d.delivered_revision and jsonb_typeof(t.snapshot->'communication') = 'object'
          order by t.revision desc limit ${COMMUNICATIONS_MAX}) c), '[]') as communications,
        (select json_build_object('state', t.snapshot->'state', 'severity', t.snapshot->'severity', 'startedAt', t.snapshot->'startedAt') from timeline t
          where t.incident_id = d.incident_id and t.revision <= d.delivered_revision and t.snapshot is not null and t.snapshot->>'change' <> 'note'
          order by t.revision desc limit 1) as stands
      from json_to_recordset($1::json) as a(ask int, identity text, destination text)
      join incidents i on i.identity = a.identity and (i.latest or i.last_seen_at > now() - ${EPISODES_WITHIN})
      join deliveries d on d.incident_id = i.id and coalesce(d.destination_id, d.destination) = a.destination`,
    values: [JSON.stringify(asks.map(({ identity, destination }, ask) => ({ ask, identity, destination })))],
  });
  return rows;
}

/** What is left to the peer is due now, with the reason on its timelines. Returns the destinations to ring for. */
export async function releaseStandby(
  db: Queryable,
  { summary, data }: { summary: string; data: Record<string, unknown> },
): Promise<string[]> {
  return freeHeld(db, {
    name: 'release-standby',
    values: [summary, JSON.stringify(data)],
    which: `d.state = 'suppressed' and d.held_why = 'standby'`,
    told: `insert into timeline (incident_id, revision, at, kind, summary, data)
      select incident_id, max(wanted_revision), now(), 'decision', $1::text,
        $2::jsonb || jsonb_build_object('destinations', array_agg(distinct destination)) from freed group by incident_id`,
  });
}
