/** An incident as it was known at a moment: what did they know at 09:14? By our own clock, never by event time. */
import type { Snapshot } from '#src/core/incident.ts';
import type { IncidentListRow } from './incident-list.ts';
import type { DeliveryRow } from './reads.ts';
import type { Queryable } from './pools.ts';

/** The incident with the standing, scope and revision of that moment; null where we knew nothing of it yet. */
export async function incidentAsOf(
  db: Queryable,
  incident: IncidentListRow,
  at: string,
): Promise<IncidentListRow | null> {
  const [standing, scope] = await Promise.all([
    db.query<{ revision: number; recordedAt: string; snapshot: Snapshot }>({
      name: 'standing-as-of',
      text: `select revision, recorded_at as "recordedAt", snapshot from timeline where incident_id = $1 and snapshot is not null and recorded_at <= $2
        order by revision desc limit 1`,
      values: [incident.id, at],
    }),
    db.query<{ subscription: string; service: string; region: string; resource: string }>({
      name: 'scope-as-of',
      text: `select subscription, service, region, resource from incident_scope where incident_id = $1 and first_seen_at <= $2 order by first_seen_at, key`,
      values: [incident.id, at],
    }),
  ]);
  const known = standing.rows[0];
  if (!known) return null;
  const { state, stage, severity, title, startedAt, mitigatedAt, resolvedAt, endsAt } = known.snapshot;
  const distinct = (values: string[]): string[] => [...new Set(values.filter((value) => value !== ''))];
  const subscriptions = distinct(scope.rows.map((row) => row.subscription)).sort();
  const impacts = new Map(scope.rows.map(({ service, region }) => [`${service}\n${region}`, { service, region }]));
  return {
    ...incident,
    state,
    stage,
    severity,
    title,
    startedAt,
    mitigatedAt,
    resolvedAt,
    endsAt,
    closedAt: incident.closedAt !== null && incident.closedAt <= at ? incident.closedAt : null,
    revision: known.revision,
    lastSeenAt: known.recordedAt,
    impacts: [...impacts.values()].filter((impact) => impact.service !== ''),
    subscriptions,
    subscriptionCount: subscriptions.length,
    resources: distinct(scope.rows.map((row) => row.resource)).sort(),
  };
}

/** Deliveries as they stood then: what was tried by that moment, and how far it had brought them. Pure. */
export function deliveriesAsOf(deliveries: readonly DeliveryRow[], at: string, revision: number): DeliveryRow[] {
  return deliveries.flatMap((delivery): DeliveryRow[] => {
    if (delivery.createdAt > at) return [];
    const attempts = delivery.attempts
      .filter((attempt) => attempt.startedAt <= at)
      .map((attempt) =>
        attempt.finishedAt !== null && attempt.finishedAt > at
          ? { ...attempt, finishedAt: null, outcome: null, reason: null, status: null, detail: null, receipt: null }
          : attempt,
      );
    const last = attempts.at(-1);
    const accepted = attempts.filter((attempt) => attempt.outcome === 'accepted').map((attempt) => attempt.covers[1]);
    const deliveredRevision = Math.max(0, ...accepted);
    const wantedRevision = Math.min(delivery.wantedRevision, revision);
    const state =
      last?.outcome === null
        ? 'delivering'
        : deliveredRevision >= wantedRevision
          ? 'delivered'
          : last === undefined
            ? 'pending'
            : last.outcome === 'permanent'
              ? 'failed'
              : 'retrying';
    return [{ ...delivery, state, wantedRevision, deliveredRevision, reason: last?.reason ?? null, attempts }];
  });
}
