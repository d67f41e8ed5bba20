/** From a plan to the step that an adapter gets: the incident as of that revision, what changed, for whom, with which links. */
import { createHash } from 'node:crypto';
import type { Action, IncidentView, Step } from '#src/core/adapter.ts';
import { ADVICE_LABEL, CAVEAT_LABEL, EVIDENCE_LABEL, HELD_LABEL, LATE_LABEL, OWN_LABEL } from '#src/core/details.ts';
import { blastRadius } from '#src/core/estate.ts';
import { hitsInWords, whyUnknown, type EstateView } from '#src/core/estate-facts.ts';
import { isOpen, isServiceHealth, type Scope, type Snapshot } from '#src/core/incident.ts';
import type { Told } from '#src/core/plan.ts';
import type { RelayConfig } from '#src/config/types.ts';
import type { DueDelivery } from '#src/db/due.ts';
import { judgeRoutes } from './routing.ts';

/** At most this many subscriptions are named in a message; the total is always said. */
const NAMED_MAX = 50;

export interface StepPlan {
  action: Action;
  covers: [number, number];
  catchUp: boolean;
  repeat: boolean;
}

/** Builds the step. `scope` is the incident's whole scope as of now: a message never names less than we know. */
export function buildStep(
  config: RelayConfig,
  due: DueDelivery,
  { plan, scope, estate }: { plan: StepPlan; scope: Scope; estate?: EstateView },
): Step {
  const covered = (due.revisions ?? []).filter((r) => r.revision <= plan.covers[1]).map((r) => r.snapshot);
  const snapshot = covered.at(-1) ?? null;
  const newest = covered.findLast((s) => s.communication !== null);
  const { destinations } = judgeRoutes(config, due.incident, scope, estate);
  // No route may lead to a fallback by itself: it is told what the destination that it stands in for would have been.
  const match =
    destinations.find((d) => d.destination === due.destination) ??
    destinations.find((d) => d.destination === due.fallbackOf);
  const ids = match?.subscriptions ?? scope.subscriptions;
  return {
    action: plan.action,
    covers: plan.covers,
    opened: due.told === 'open' || openedByPeer(config, due, plan.action),
    told: due.told !== 'nothing',
    repeat: plan.repeat,
    catchUp: plan.catchUp,
    late: covered.some((s) => s.late),
    ...fallbackRemark(due, plan),
    test: false,
    incident: view(due, { snapshot, scope, revision: plan.covers[1], ours: ourResources(config, due, scope, estate) }),
    communication: newest?.communication ?? null,
    changes: due.told === 'nothing' ? [] : mergeChanges(covered),
    audience: {
      subscriptions: ids.slice(0, NAMED_MAX).map((id) => subscription(config, id)),
      total: scope.subscriptions.length,
    },
    route: { runbook: match?.runbook ?? null, note: match?.note ?? null, fields: match?.fields ?? {} },
    links: {
      timeline: config.publicUrl ? `${config.publicUrl}/incidents/${due.incident.id}` : null,
      portal: portalLink(due.incident.trackingId, ids[0] ?? scope.subscriptions[0]),
    },
  };
}

/** Whoever opens a channel that stands in must not take the message for a copy of a page that somebody else has got. */
function fallbackRemark({ fallbackOf, firstRevision }: DueDelivery, plan: StepPlan): Pick<Step, 'remark'> {
  if (fallbackOf === null || plan.action !== 'open' || plan.covers[0] > firstRevision) return {};
  const sentence = `It came here because ${fallbackOf} was not reached: nobody may have been told there.`;
  return { remark: { word: 'FALLBACK', sentence } };
}

/**
 * The end of what the peer may have opened under the same key while it was left to it: no message of ours stands open, and
 * the page does. A vendor takes an end of what is not open for nothing.
 */
function openedByPeer(config: RelayConfig, due: DueDelivery, action: Action): boolean {
  if (config.peer === null || due.told !== 'nothing' || (action !== 'resolve' && action !== 'retract')) return false;
  const target = config.destinations.find((one) => one.name === due.destination);
  const left = due.deliveredRevision >= due.firstRevision || (due.standbyUntil ?? null) !== null;
  return target?.standby === true && target.adapter.repeat === 'key' && left;
}

function view(
  due: DueDelivery,
  {
    snapshot,
    scope,
    revision,
    ours,
  }: { snapshot: Snapshot | null; scope: Scope; revision: number; ours: string | null },
): IncidentView {
  const { incident } = due;
  const stands = snapshot ?? incident;
  // Right behind our resources, wherever it stands among what Azure told.
  const { [EVIDENCE_LABEL]: evidence, [ADVICE_LABEL]: todo, [CAVEAT_LABEL]: before, ...facts } = incident.details;
  return {
    id: incident.id,
    identity: incident.identity,
    episode: incident.episode,
    trackingId: incident.trackingId,
    kind: incident.kind,
    state: stands.state,
    severity: stands.severity,
    title: stands.title,
    stage: stands.stage,
    impacts: scope.impacts,
    resources: scope.resources,
    startedAt: stands.startedAt,
    mitigatedAt: stands.mitigatedAt,
    resolvedAt: stands.resolvedAt,
    endsAt: stands.endsAt,
    revision,
    firstSeenAt: incident.firstSeenAt,
    headline: incident.headline,
    details: {
      ...(due.heldMark === null ? {} : { [LATE_LABEL]: `held back ${due.heldMark}` }),
      ...(ours === null ? {} : { [OWN_LABEL]: ours }),
      ...(evidence === undefined ? {} : { [EVIDENCE_LABEL]: evidence }),
      // After the end nobody is to move anything.
      ...(todo === undefined || before === undefined || !isOpen(stands.state)
        ? {}
        : { [ADVICE_LABEL]: todo, [CAVEAT_LABEL]: before }),
      ...heldBack(due.children),
      ...facts,
    },
  };
}

/** Which of our resources are hit, for a Service Health message; null where no estate is configured. */
function ourResources(
  config: RelayConfig,
  due: DueDelivery,
  scope: Scope,
  estate: EstateView | undefined,
): string | null {
  const { kind } = due.incident;
  if (config.estate === null || estate === undefined || !isServiceHealth(kind)) return null;
  const why = whyUnknown(estate, { kind, ...scope });
  const hits = estate.index === null ? [] : blastRadius(estate.index, scope);
  const listed = hits.filter((hit) => hit.by.includes('named')).length;
  const azure = listed > 0 ? `; Azure itself lists ${listed}` : '';
  if (why === null) return `${hitsInWords(hits)}${azure}`;
  return `unknown: ${why}${hits.length > 0 ? `. As far as known: ${hitsInWords(hits)}${azure}` : ''}`;
}

/** Alerts of our own that this outage speaks for: counted here, named on their own timelines (design section 6). */
function heldBack(children: number): Record<string, string> {
  return children === 0
    ? {}
    : { [HELD_LABEL]: `${children} alert${children === 1 ? '' : 's'} of our own in the same place` };
}

/** Several revisions in one message: what changed over all of them, each sentence once, the newest last. */
function mergeChanges(covered: readonly Snapshot[]): string[] {
  return [...new Set(covered.flatMap((s) => s.changes))];
}

function subscription(config: RelayConfig, id: string): { id: string; name: string | null; team: string | null } {
  const known = config.subscriptions.get(id);
  return { id, name: known?.name ?? null, team: known?.team ?? null };
}

/** destinations 0.1: `https://app.azure.com/h/<trackingId>/<first 3 + last 3 characters of the subscription id>`. */
export function portalLink(trackingId: string | null, subscriptionId: string | undefined): string | null {
  if (!trackingId || !subscriptionId) return null;
  return `https://app.azure.com/h/${encodeURIComponent(trackingId)}/${subscriptionId.slice(0, 3)}${subscriptionId.slice(-3)}`;
}

/** 64 hex characters, stable over restarts, replicas and footings, computable without a database (design section 6). */
export function vendorKey(
  relayId: string,
  incident: { identity: string; episode: number },
  destinationId: string,
): string {
  return createHash('sha256')
    .update([relayId, incident.identity, incident.episode, destinationId].join('\n'))
    .digest('hex');
}

/** The incident under whose key a delivery stands at the vendor: that of an earlier episode where its page goes on. */
export function keyedAs(row: DueDelivery): { identity: string; episode: number } {
  return { identity: row.incident.identity, episode: row.keyEpisode ?? row.incident.episode };
}

/** The same for every try of one step of one delivery, different for the next step. */
export function stepKey(deliveryId: string, plan: { action: Action; covers: readonly [number, number] }): string {
  return `${deliveryId}_${plan.covers[0]}-${plan.covers[1]}_${plan.action}`;
}

/** Whether an action leaves the destination believing that the incident is open. */
export function toldSeverityAfter(told: Told, step: Step): Step['incident']['severity'] | null {
  return told === 'open' ? step.incident.severity : null;
}
