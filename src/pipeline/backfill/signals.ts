/**
 * From what a pull found to signals, read by the same parser as a push: the same stage and text give the same hash, so
 * a push that comes after all is recognised (core/lifecycle.ts, samePost).
 */
import { hashParts } from '#src/core/fingerprint.ts';
import { isEnd, stageOfUpdate, type AzureEvent, type EventUpdate } from '#src/core/gap-event.ts';
import type { Post } from '#src/core/incident.ts';
import type { Impact, Signal } from '#src/core/signal.ts';
import { normaliseText } from '#src/core/text.ts';
import { readServiceHealth } from '#src/receivers/azure-monitor/service-health.ts';
import { toSignal } from '#src/receivers/parse/draft.ts';

/** Configured sources have names of their own; this one stands for all pulls. */
export const SOURCE = 'backfill';

/** One post as one subscription tells it. The fingerprint stands on tracking ID, time, stage, text and subscription. */
export function updateSignal(event: AzureEvent, update: EventUpdate, receivedAt: string): Signal {
  const stage = stageOfUpdate(event, update);
  const over = isEnd(event, update);
  const impacts = event.impacts.map(({ service, regions }) => ({
    ServiceName: service,
    ImpactedRegions: regions.map((RegionName) => ({ RegionName })),
  }));
  const properties = new Map<string, unknown>([
    ['trackingid', event.trackingId],
    ['stage', stage],
    ['title', event.title],
    ['communication', update.html],
    ['incidenttype', event.eventType],
    ['impactstarttime', event.startedAt],
    ['impactmitigationtime', over || event.eventType !== 'ServiceIssue' ? event.mitigatedAt : null],
    ['impactedservices', impacts],
    ['eventtags', [...update.tags]],
  ]);
  const draft = readServiceHealth({
    schema: 'backfill',
    category: 'servicehealth',
    operation: '',
    status: over ? 'Resolved' : 'Active',
    level: event.level,
    eventId: null,
    correlationId: null,
    operationId: null,
    description: null,
    properties,
    ids: [],
    subscription: event.subscription,
    times: [update.at],
    rule: null,
    record: new Map(),
  });
  const { updates: _all, ...head } = event;
  const value = { event: head, update };
  const signal = toSignal(
    draft,
    { value, json: JSON.stringify(value) },
    { source: SOURCE, subscription: null, receivedAt, door: 'webhook' },
  );
  const fingerprint = hashParts([
    SOURCE,
    event.trackingId.toLowerCase(),
    update.at,
    stage,
    normaliseText(update.html),
    event.subscription,
  ]);
  return { ...signal, fingerprint };
}

/** A post that the incident holds, told by one more subscription: the scope grows, nothing is said again. */
export function scopeSignal(base: Signal, event: AzureEvent): Signal {
  const own = updateSignal(event, event.updates.at(-1) ?? { at: event.updatedAt, html: '', tags: [] }, base.occurredAt);
  return subscriptionSignal(base, { subscription: event.subscription, ...own });
}

/** The same for a subscription, and for the impacts as it was told them. */
export function subscriptionSignal(
  base: Signal,
  told: { subscription: string | null } & Pick<Signal, 'subscriptions' | 'impacts'>,
): Signal {
  const { subscription, subscriptions, impacts } = told;
  const fingerprint = hashParts([SOURCE, 'scope', base.fingerprint, subscription, JSON.stringify(impacts)]);
  return { ...base, fingerprint, subscriptions, impacts, communication: null };
}

/** A signal that stands for a post which the incident holds, and by itself adds nothing to it. */
export function heldSignal(
  incident: { identity: string; trackingId: string | null; kind: Signal['kind'] },
  post: Post,
): Signal {
  return {
    fingerprint: hashParts([SOURCE, 'held', incident.identity, post.hash]),
    source: SOURCE,
    schema: 'backfill',
    type: 'service-health',
    test: false,
    identity: incident.identity,
    kind: incident.kind,
    trackingId: incident.trackingId,
    phase: post.phase,
    stage: post.stage,
    state: post.state,
    retracted: post.retracted,
    severity: post.severity,
    severityCertain: post.severityCertain,
    communication: null,
    post: { id: post.id, hash: post.hash },
    title: post.title,
    text: '',
    impacts: [],
    subscriptions: [],
    resources: [],
    startedAt: post.startedAt,
    mitigatedAt: post.mitigatedAt,
    endsAt: post.endsAt,
    occurredAt: post.at,
    rule: null,
    details: {},
    reason: null,
    raw: JSON.stringify({ held: post.hash }),
  };
}

/** Resources that were added to a place that the incident names already. */
export function resourcesSignal(
  base: Signal,
  told: { subscription: string; resources: readonly string[]; rule: string },
): Signal {
  const resources = [...told.resources].sort();
  return {
    ...base,
    fingerprint: hashParts([SOURCE, 'resources', base.identity, told.subscription, told.rule, ...resources]),
    subscriptions: told.subscription === '' ? [] : [told.subscription],
    impacts: [] satisfies Impact[],
    resources,
    rule: told.rule,
    raw: JSON.stringify(told),
  };
}
