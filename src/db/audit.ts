/** SQL of the auditor: what was promised, against what was accepted. Reads only, through indexes, bounded. */
import type { Kind, Severity } from '#src/core/signal.ts';
import { FREE } from './due.ts';
import type { Queryable } from './pools.ts';

export interface AuditedIncident {
  id: string;
  kind: Kind;
  severity: Severity;
  stage: string | null;
  revision: number;
  /** Since our receipt of the newest of its signals in the window: the routes were judged then. */
  newestAgeMs: number;
  scope: { subscription: string; service: string; region: string; resource: string; source: string }[];
  deliveries: { destinationId: string; wantedRevision: number }[];
}

export interface AuditRead {
  /** Ids of signals that were accepted and whose incident is not there. */
  lost: string[];
  incidents: AuditedIncident[];
  /** Deliveries that are due and that nobody works on, as `destination id`. */
  overdue: string[];
}

export interface AuditWindow {
  /** Signals that came between these two ages, milliseconds. The younger bound leaves a running commit its time. */
  fromMs: number;
  untilMs: number;
  /** A delivery may be due for so long before somebody must have come for it. */
  dueMs: number;
  /** And for so long while its destination does answer, unless `paced` names it. */
  busyMs: number;
  limit: number;
}

/** Bytes of one incident's scope are bounded by this many rows; a larger one is left out of the audit of routes. */
const SCOPE_MAX = 2_000;

/**
 * Everything that the auditor judges, in one snapshot: accepted signals of the window with their incidents and what was promised to whom, and
 * deliveries that are due and that neither a pause, nor a breaker, nor a holder, nor a rate explains.
 */
export async function readForAudit(
  db: Queryable,
  window: AuditWindow,
  { destinations, paced }: { destinations: readonly string[]; paced: readonly string[] },
): Promise<AuditRead> {
  const { rows } = await db.query<AuditRead>({
    name: 'read-for-audit',
    text: `with recent as materialized (
        select id, incident_id, received_at from signals
        where received_at > now() - $1 * interval '1 millisecond' and received_at < now() - $2 * interval '1 millisecond'
          and outcome not in ('test', 'spooled')
        order by received_at desc limit $5
      ), touched as (
        select i.id, i.kind, i.severity, i.stage, i.revision, i.scope_count, extract(epoch from now() - max(r.received_at)) * 1000 as age_ms
        from recent r join incidents i on i.id = r.incident_id group by i.id
      )
      select
        coalesce((select json_agg(r.id) from recent r where r.incident_id is null or not exists (select 1 from incidents i where i.id = r.incident_id)), '[]') as lost,
        coalesce((select json_agg(json_build_object('id', t.id, 'kind', t.kind, 'severity', t.severity, 'stage', t.stage, 'revision', t.revision,
          'newestAgeMs', t.age_ms, 'scope', coalesce((select json_agg(json_build_object('subscription', s.subscription, 'service', s.service, 'region', s.region,
              'resource', s.resource, 'source', s.source) order by s.first_seen_at, s.key) from incident_scope s where s.incident_id = t.id), '[]'),
          'deliveries', coalesce((select json_agg(json_build_object('destinationId', coalesce(d.destination_id, d.destination),
              'wantedRevision', d.wanted_revision)) from deliveries d where d.incident_id = t.id), '[]')))
          from touched t where t.scope_count <= ${SCOPE_MAX}), '[]') as incidents,
        coalesce((select json_agg(o.destination || ' ' || o.id) from unnest($6::text[]) as a(destination) cross join lateral (
          select d.id, d.destination from deliveries d left join destination_state s on s.destination = d.destination
          where d.destination = a.destination and d.state in ('pending', 'retrying', 'delivering', 'suppressed')
            and d.next_attempt_at < now() - $3 * interval '1 millisecond' and ${FREE}
            and not (coalesce(s.disabled, false) or coalesce(s.paused_until > now() - $3 * interval '1 millisecond', false))
            and (coalesce(greatest(s.last_success_at, s.last_failure_at) < now() - $3 * interval '1 millisecond', true)
              or (d.next_attempt_at < now() - $4 * interval '1 millisecond' and d.destination <> all($7::text[])))
          limit 20) o), '[]') as overdue`,
    values: [window.fromMs, window.untilMs, window.dueMs, window.busyMs, window.limit, destinations, paced],
  });
  return rows[0]!;
}
