/** From what a parser read to a signal: here every value is made safe and cut, once, whichever parser it came from. */
import { hashParts, sha256Hex, stageKey } from '#src/core/fingerprint.ts';
import { eventTime, LIMITS, planTime, safeKey, safeLine, safeText } from '#src/core/safe.ts';
import {
  impactKey,
  type Communication,
  type Impact,
  type Kind,
  type Phase,
  type Severity,
  type Signal,
  type SignalSchema,
  type SourceContext,
} from '#src/core/signal.ts';
import { normaliseText } from '#src/core/text.ts';
import { canonicalId, isResourceId, subscriptionOf } from './azure-ids.ts';
import { storedText } from './json.ts';

/** A signal as a parser sees it; times still as sent, ids in any case. */
export interface Draft {
  schema: SignalSchema;
  type: string;
  identity: string;
  kind: Kind;
  phase: Phase;
  state: Signal['state'];
  severity: Severity;
  title: string;
  test?: boolean;
  trackingId?: string | null;
  stage?: string | null;
  retracted?: boolean;
  severityCertain?: boolean;
  communication?: Communication | null;
  /** Id of the post or event, where the source has one. */
  postId?: string | null;
  /** Without it: a hash of stage, event time and text, which the same event has in every channel. */
  postHash?: string;
  text?: string;
  impacts?: readonly Impact[];
  /** Ids that may name subscriptions or resources: both are picked from them. */
  ids?: readonly (string | null)[];
  subscription?: string | null;
  startedAt?: unknown;
  mitigatedAt?: unknown;
  endsAt?: unknown;
  /** Candidates for the event time; the first plausible one counts, else the receipt time. */
  occurredAt: readonly unknown[];
  rule?: string | null;
  /** Null values are left out. */
  details?: readonly (readonly [string, string | null])[];
  reason?: string | null;
  /** In place of the sender's. */
  source?: string;
}

/** Where a body came from. `receivedAt` is ISO 8601 UTC. */
export type ReadContext = SourceContext & { receivedAt: string; door: 'webhook' | 'event-hub' | 'event-grid' };

/** Finishes a draft. `record` is the value that the signal stands for and its JSON text. */
export function toSignal(draft: Draft, record: { value: unknown; json: string }, context: ReadContext): Signal {
  const { value, json } = record;
  const { receivedAt } = context;
  const stage = draft.stage ? safeLine(draft.stage, 100) : null;
  const title = safeLine(draft.title, LIMITS.titleChars);
  const text = safeText(draft.text ?? '', LIMITS.textChars);
  const occurredAt = firstTime(draft.occurredAt, receivedAt);
  const unrecognised = draft.kind === 'unrecognised';
  return {
    fingerprint: unrecognised ? hashParts([context.source, json]) : sha256Hex(json),
    source: safeText(draft.source ?? context.source, LIMITS.nameChars),
    schema: draft.schema,
    type: draft.type,
    test: draft.test ?? false,
    identity: draft.identity,
    kind: draft.kind,
    trackingId: draft.trackingId ? safeLine(draft.trackingId, LIMITS.nameChars) : null,
    phase: draft.phase,
    stage,
    state: draft.state,
    retracted: draft.retracted ?? false,
    severity: draft.severity,
    severityCertain: draft.severityCertain ?? true,
    communication: draft.communication ? safeCommunication(draft.communication) : null,
    post: {
      id: draft.postId ? safeKey(draft.postId, LIMITS.postIdBytesMax) : null,
      hash: draft.postHash ?? hashParts([draft.type, stageKey(stage), occurredAt, normaliseText(title)]),
    },
    title,
    text,
    impacts: safeImpacts(draft.impacts ?? []),
    subscriptions: subscriptions(draft, context),
    resources: resources(draft.ids ?? []),
    startedAt: planTime(draft.startedAt, receivedAt),
    mitigatedAt: planTime(draft.mitigatedAt, receivedAt),
    endsAt: planTime(draft.endsAt, receivedAt),
    occurredAt,
    rule: draft.rule ? safeLine(draft.rule, LIMITS.nameChars) : null,
    details: safeDetails(draft.details ?? []),
    reason: draft.reason ? safeLine(draft.reason, LIMITS.nameChars) : null,
    raw: storedText(value, json),
  };
}

function firstTime(candidates: readonly unknown[], receivedAt: string): string {
  for (const candidate of candidates) {
    const time = eventTime(candidate, receivedAt);
    if (time !== null) return time;
  }
  return planTime(receivedAt, receivedAt) ?? receivedAt;
}

function safeCommunication(post: Communication): Communication {
  return {
    id: post.id ? safeKey(post.id, LIMITS.postIdBytesMax) : null,
    title: safeLine(post.title, LIMITS.titleChars),
    html: safeText(post.html, LIMITS.htmlChars),
  };
}

function safeImpacts(impacts: readonly Impact[]): Impact[] {
  const seen = new Map<string, Impact>();
  for (const impact of impacts) {
    const pair = {
      service: safeKey(safeLine(impact.service), LIMITS.serviceBytesMax),
      region: safeKey(safeLine(impact.region), LIMITS.regionBytesMax),
    };
    const key = impactKey(pair);
    if (pair.service !== '' && !seen.has(key)) seen.set(key, pair);
    if (seen.size >= LIMITS.impactsMax) break;
  }
  return [...seen.values()];
}

function subscriptions(draft: Draft, context: ReadContext): string[] {
  const found = new Set<string>();
  for (const id of [draft.subscription ?? null, ...(draft.ids ?? []).map(subscriptionOf)]) {
    if (id !== null && id.trim() !== '') found.add(safeKey(id.trim().toLowerCase(), LIMITS.subscriptionBytesMax));
  }
  // A record may name none at all: then it is the source's own (azure-signals 0.8).
  // A canary must not: it would make a subscription look covered that no alert rule covers.
  if (found.size === 0 && context.subscription && draft.kind !== 'canary')
    found.add(safeKey(context.subscription.toLowerCase(), LIMITS.subscriptionBytesMax));
  return [...found].slice(0, LIMITS.subscriptionsMax);
}

function resources(ids: readonly (string | null)[]): string[] {
  const found = new Set<string>();
  for (const id of ids) {
    if (id !== null && isResourceId(id)) found.add(safeKey(canonicalId(id), LIMITS.resourceBytesMax));
  }
  return [...found].slice(0, LIMITS.resourcesMax);
}

function safeDetails(pairs: readonly (readonly [string, string | null])[]): Record<string, string> {
  const details: Record<string, string> = {};
  let count = 0;
  for (const [name, value] of pairs) {
    const key = safeLine(name, 100);
    // `__proto__` as a name would set the prototype and be lost.
    if (value === null || value === '' || key === '' || key === '__proto__' || Object.hasOwn(details, key)) continue;
    details[key] = safeText(value, LIMITS.detailChars);
    count += 1;
    if (count >= LIMITS.detailsMax) break;
  }
  return details;
}
