/** SQL of deadlines: maintenance and advisories that are open, or ended not long ago, with their place. */
import type { DeadlineFacts } from '#src/core/deadlines.ts';
import type { Impact, Severity } from '#src/core/signal.ts';
import type { Queryable } from './pools.ts';

export interface DeadlineRow extends DeadlineFacts {
  id: string;
  identity: string;
  trackingId: string | null;
  severity: Severity;
  title: string;
  headline: string;
  revision: number;
  firstSeenAt: string;
  /** When we first took in the date that holds now. */
  knownSince: string;
  impacts: Impact[];
  subscriptions: string[];
  resources: string[];
}

/** More than any estate has at a time; the nearest first. */
const ROWS_MAX = 2_000;
const DUE = `case when i.kind = 'maintenance' then i.started_at else i.ends_at end`;
/** The predicate of the index `incidents_open`. */
const OPEN = `i.state in ('planned', 'active')`;

/** Those without a date come last. `endedDays` 0: only open ones. */
export async function readDeadlines(db: Queryable, { endedDays }: { endedDays: number }): Promise<DeadlineRow[]> {
  const { rows } = await db.query<DeadlineRow>(
    `with chosen as (
       select i.*, ${DUE} as due from incidents i
       where i.latest and i.kind in ('maintenance', 'advisory') and ${endedDays > 0 ? `(${OPEN} or i.last_seen_at > now() - $1 * interval '1 day')` : OPEN}
       order by due nulls last, i.id limit ${ROWS_MAX}
     )
     select i.id, i.identity, i.tracking_id as "trackingId", i.kind, i.state, i.stage, i.severity, i.title, i.headline, i.revision, i.retracted,
       i.started_at as "startedAt", i.ends_at as "endsAt", i.resolved_at as "resolvedAt", i.closed_at as "closedAt",
       i.first_seen_at as "firstSeenAt", i.last_seen_at as "lastSeenAt", place.*,
       coalesce((select min(t.recorded_at) from timeline t where t.incident_id = i.id and t.snapshot is not null
         and (t.snapshot->>(case when i.kind = 'maintenance' then 'startedAt' else 'endsAt' end))::timestamptz = i.due), i.first_seen_at) as "knownSince"
     from chosen i cross join lateral (
       select coalesce(jsonb_agg(distinct jsonb_build_object('service', service, 'region', region)) filter (where service <> ''), '[]') as impacts,
         coalesce(array_agg(distinct subscription) filter (where subscription <> ''), '{}') as subscriptions,
         coalesce(array_agg(distinct resource) filter (where resource <> ''), '{}') as resources
       from incident_scope where incident_id = i.id) place
     order by i.due nulls last, i.id`,
    endedDays > 0 ? [endedDays] : [],
  );
  return rows;
}

/** Those of these fingerprints that are stored. */
export async function findStored(db: Queryable, fingerprints: readonly string[]): Promise<Set<string>> {
  const { rows } = await db.query<{ fingerprint: string }>(
    'select fingerprint from signals where fingerprint = any($1::text[])',
    [fingerprints],
  );
  return new Set(rows.map((row) => row.fingerprint));
}
