/**
 * The words of the inbound side (design section 2). A signal is one Azure message after parsing; everything behind
 * the receivers works on this shape only, whichever door the message came through.
 */

/** What an incident is about. Decided by the receiver from the source's own fields, never from display text. */
export type Kind =
  | 'outage'
  | 'maintenance'
  | 'advisory'
  | 'security'
  | 'resource'
  | 'alert'
  | 'change'
  | 'unrecognised'
  /** Our own, by `core/canary.ts`: goes to the canary destination only and is in no list. */
  | 'canary';

/** Ascending: `info` < `warning` < `error` < `critical`. */
export type Severity = 'info' | 'warning' | 'error' | 'critical';

/** Which wire format carried the signal. `backfill` and `relay` are our own: a pull, and news about ourselves. */
export type SignalSchema =
  | 'classic'
  | 'common'
  | 'activity-log'
  | 'event-grid'
  | 'cloudevents'
  | 'unknown'
  | 'backfill'
  | 'relay';

/** What the signal does to the life of its incident (design section 6, lifecycle). `note` never opens and never pages. */
export type Phase = 'open' | 'update' | 'close' | 'note';

/** One (service, region) pair. Services and regions are only ever matched together (azure-signals 1.6). */
export interface Impact {
  service: string;
  region: string;
}

/** Equal for two impacts that are the same pair, whatever the case of their names. */
export function impactKey(impact: Impact): string {
  return `${impact.service}\n${impact.region}`.toLowerCase();
}

/**
 * What makes two signals the same post by the sender. With an id on both sides the ids decide; otherwise the hash of
 * the normalised text does (azure-signals 8: the Event Hub export and the Events API carry no communication id).
 */
export interface PostKey {
  id: string | null;
  hash: string;
}

/** One Azure message after parsing. Every string is well-formed Unicode without U+0000 and cut to a limit (core/safe.ts). */
export interface Signal {
  /** sha256 hex of the record's JSON: equal only for an exact repeat. */
  fingerprint: string;
  /** Configured name of the sender. */
  source: string;
  schema: SignalSchema;
  /** Finer than kind, for logs and pages: `service-health`, `resource-health`, `metric`, `log`, `prometheus`, `administrative`, `aks`, `acr`, `health-resource`, `budget`, ... */
  type: string;
  /** True for the portal's test notifications: shown, never an incident. */
  test: boolean;

  identity: string;
  kind: Kind;
  trackingId: string | null;

  phase: Phase;
  /** Azure's own word, as sent ("Active", "RCA", "Fired"), or null where it has none. */
  stage: string | null;
  /** The state of the incident if this signal is its newest lifecycle message; `closed` is our own word, by age or by hand. */
  state: 'planned' | 'active' | 'resolved' | 'closed';
  /** True when Azure says that the event was no issue after all (a false positive). */
  retracted: boolean;
  severity: Severity;
  /** False where the level was a bare number 3 that may mean Warning or Informational (azure-signals 1.2). */
  severityCertain: boolean;

  /** Set where the signal is a post by Microsoft; null for alerts and resource events. */
  communication: Communication | null;
  post: PostKey;

  title: string;
  /** Plain text, without HTML; may be empty. */
  text: string;
  impacts: Impact[];
  /** Lower-cased subscription ids. */
  subscriptions: string[];
  /** Lower-cased ARM resource ids. */
  resources: string[];
  /** ISO 8601 UTC with milliseconds, like every time below. */
  startedAt: string | null;
  mitigatedAt: string | null;
  /** Planned end of a maintenance, deadline of an advisory. */
  endsAt: string | null;
  /** The source's event time; decides the order within an incident. Falls back to the receipt time. */
  occurredAt: string;
  /** Who told us: the alert rule's name or id, null where the channel has none. */
  rule: string | null;
  /** Facts worth showing, in display order: metric, threshold, namespace, pool name, ... At most 30 pairs. */
  details: Record<string, string>;
  /** Why the body was not understood, or what was salvaged; null for a clean parse. */
  reason: string | null;
  /** The record's JSON text without the fields that design section 2 removes. */
  raw: string;
  /** More for the timeline entry; only in news of our own. */
  data?: Readonly<Record<string, unknown>>;
  /** W3C `traceparent` of its receipt; only while there are traces. */
  trace?: string;
}

/** A post by Microsoft under a tracking ID. */
export interface Communication {
  /** Azure's communication id, or null where the channel carries none. */
  id: string | null;
  title: string;
  /** As sent: HTML or plain text. Must be sanitised before it is shown. */
  html: string;
}

/** What a receiver answers per signal (design section 4). */
export type SignalOutcome =
  | 'opened'
  | 'updated'
  | 'resolved'
  | 'noted'
  | 'duplicate'
  | 'test'
  | 'unrecognised'
  | 'spooled';

/** Who sent a body: the configured source, and the subscription to assume where a record names none (azure-signals 0.8). */
export interface SourceContext {
  source: string;
  subscription: string | null;
}

const SEVERITIES: readonly Severity[] = ['info', 'warning', 'error', 'critical'];

/** Position in the ascending order of severities, 0 to 3. */
export function severityRank(severity: Severity): number {
  return SEVERITIES.indexOf(severity);
}
