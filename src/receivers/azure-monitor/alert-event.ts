/** An alert of our own rules (metric, log, Prometheus, ...), the same whichever envelope brought it (azure-signals 3). */
import { alertIdentity } from '#src/core/identity.ts';
import { sha256Hex } from '#src/core/fingerprint.ts';
import { parseTimeMs } from '#src/core/safe.ts';
import { severityOfAlert } from '#src/core/severity.ts';
import type { Impact, SignalSchema } from '#src/core/signal.ts';
import { canonicalId, isResourceId, nameOf, serviceOf, subscriptionOf } from '../parse/azure-ids.ts';
import type { Draft } from '../parse/draft.ts';
import { compact, objectOf, pairsOf, textOf, textsOf, valueOf, type Fields } from '../parse/fields.ts';
import { isTestNotification } from './test-notification.ts';

export interface AlertEvent {
  schema: SignalSchema;
  /** Service of the rule, compacted: `platform`, `logalertsv2`, `prometheus`, ... */
  service: string;
  alertId: string | null;
  /** The rule's name, and its resource id where the alert names it. */
  rule: string | null;
  ruleId: string | null;
  /** `Fired`, `Resolved`, and in the classic form `Activated`, `Deactivated`. */
  condition: string | null;
  severity: string | null;
  firedAt: unknown;
  resolvedAt: unknown;
  /** Resource ids of the targets. */
  targets: string[];
  subscription: string | null;
  resourceGroup: string | null;
  description: string | null;
  link: string | null;
  context: Fields;
  /** Custom properties of the rule, as sent. */
  custom: unknown;
}

/** Common schema: `essentials` beside `alertContext`. Cost alerts have null where others have ids (azure-signals 0.10). */
export function commonAlertEvent(essentials: Fields, context: Fields, custom: unknown): AlertEvent {
  const alertId = textOf(essentials, 'alertId');
  const targets = targetsOf(essentials);
  return {
    schema: 'common',
    service: compact(textOf(essentials, 'monitoringService')),
    alertId,
    rule: textOf(essentials, 'alertRule'),
    ruleId: textOf(essentials, 'alertRuleId'),
    condition: textOf(essentials, 'monitorCondition'),
    severity: textOf(essentials, 'severity'),
    firedAt: valueOf(essentials, 'firedDateTime'),
    resolvedAt: valueOf(essentials, 'resolvedDateTime'),
    targets,
    subscription: targets.length === 0 ? subscriptionOf(alertId) : null,
    resourceGroup: textOf(essentials, 'targetResourceGroup'),
    description: textOf(essentials, 'description'),
    link: textOf(essentials, 'investigationLink'),
    context,
    custom,
  };
}

/** The ids of the targets; where the list is missing or null, the configuration items that are whole ids and no names (azure-signals 3). */
export function targetsOf(essentials: Fields): string[] {
  const targets = textsOf(essentials, 'alertTargetIDs');
  return targets.length > 0 ? targets : textsOf(essentials, 'configurationItems').filter(isResourceId);
}

/** What a parser of one alert type adds to the common part. */
export interface AlertParts {
  type: string;
  /** Ends the title: `SuccessfulPullCount LessThan 20 (3)`. */
  summary: string | null;
  /** Dimensions or labels: part of the identity. */
  labels: readonly (readonly [string, string])[];
  details: readonly (readonly [string, string | null])[];
  /** Identifies the alert where it has neither rule id nor alert id. */
  stable?: readonly (string | null)[];
  /** In place of the rule's id. */
  ruleId?: string | null;
  text?: string | null;
}

/** The draft of an alert. A condition that we do not know opens: better one message too many (design 3.7). */
export function alertDraft(event: AlertEvent, parts: AlertParts): Draft {
  const closes = ['resolved', 'deactivated', 'closed'].includes(compact(event.condition));
  const ruleId = parts.ruleId ?? event.ruleId;
  const identity = alertIdentity({
    ruleId,
    alertId: event.alertId,
    targets: event.targets.map(canonicalId),
    labels: parts.labels,
    stable: [event.service, event.rule, ...event.targets.map(canonicalId), ...(parts.stable ?? [])],
  });
  const target = event.targets.find(isResourceId) ?? event.targets[0] ?? null;
  const headline = `${event.rule ?? 'Alert'}${target === null ? '' : ` on ${nameOf(target)}`}`;
  return {
    schema: event.schema,
    type: parts.type,
    test: isTestNotification({
      rule: event.rule,
      ids: [...event.targets, event.ruleId],
      resourceGroup: event.resourceGroup,
    }),
    identity,
    kind: 'alert',
    phase: closes ? 'close' : 'open',
    stage: event.condition,
    state: closes ? 'resolved' : 'active',
    severity: severityOfAlert(event.severity),
    postId: postId(identity, event),
    title: parts.summary === null ? headline : `${headline}: ${parts.summary}`,
    text: parts.text ?? event.description ?? '',
    impacts: impactsOf(event, parts.labels),
    ids: event.targets,
    subscription: event.subscription,
    startedAt: event.firedAt,
    mitigatedAt: closes ? endedAt(event) : null,
    occurredAt: closes ? [endedAt(event), justAfter(event.firedAt)] : [event.firedAt],
    rule: event.rule ?? event.ruleId,
    details: [
      ['Rule', event.rule],
      ['Resource', target === null ? null : nameOf(target)],
      ['Service', serviceOf(target)],
      ...parts.details,
      ['Rule description', event.description],
      ['Alert', event.link],
      ...pairsOf(event.custom, 10),
    ],
  };
}

/**
 * Condition and firing time within the identity: equal for the same message through another action group or in the
 * other schema, different for the next firing of a stateless rule. In the common schema both messages carry the firing time.
 */
function postId(identity: string, event: AlertEvent): string | null {
  const ms = parseTimeMs(event.firedAt) ?? parseTimeMs(event.resolvedAt);
  if (ms === null) return null;
  const word = compact(event.condition).replace('deactivated', 'resolved').replace('activated', 'fired');
  return `${sha256Hex(identity).slice(0, 16)}:${word}:${ms}`;
}

/**
 * The end of an alert. Only metric alerts carry `resolvedDateTime`; the end of the window that was evaluated is the next
 * best, if it lies after the firing; else the receipt decides, for `firedDateTime` is the beginning (azure-signals 3).
 */
function endedAt(event: AlertEvent): unknown {
  if (event.resolvedAt !== null) return event.resolvedAt;
  const window = valueOf(objectOf(event.context, 'condition'), 'windowEndTime');
  const [end, fired] = [parseTimeMs(window), parseTimeMs(event.firedAt)];
  return end !== null && fired !== null && end > fired ? window : null;
}

/**
 * An end that says nothing of its time follows its own beginning and nothing else: by the time of its receipt it would
 * close an alert that fired again meanwhile, or push that firing before the end.
 */
function justAfter(firedAt: unknown): string | null {
  const ms = parseTimeMs(firedAt);
  return ms === null ? null : new Date(ms + 1).toISOString();
}

/** An alert names no region; a dimension, label or custom property may. An unknown region matches any (core/route-condition.ts). */
function impactsOf(event: AlertEvent, labels: AlertParts['labels']): Impact[] {
  const service = event.targets.map(serviceOf).find((name) => name !== null);
  const pairs = [...labels, ...pairsOf(event.custom)];
  const region = pairs.find(([name]) => ['region', 'location'].includes(name.toLowerCase()))?.[1];
  return service ? [{ service, region: region ?? '' }] : [];
}
