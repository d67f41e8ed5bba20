/**
 * The contract between the pipeline and every adapter. The planner (core/plan.ts) decides which step a destination
 * needs; an adapter renders that step for its vendor, makes the call and says what came of it. Adapters keep no state
 * of their own: what they must remember between steps goes into the delivery's memo.
 */
import type { ZodType } from 'zod';
import type { Impact, Kind, Severity } from './signal.ts';

/** `open` starts a page, ticket or thread; `note` adds news without waking anyone; `retract` is a resolve for what was no issue. */
export type Action = 'open' | 'update' | 'resolve' | 'note' | 'retract';

export type IncidentState = 'planned' | 'active' | 'resolved' | 'closed';

/** The incident as of the last revision that a step covers. Times are ISO 8601 UTC. */
export interface IncidentView {
  id: string;
  identity: string;
  episode: number;
  trackingId: string | null;
  kind: Kind;
  state: IncidentState;
  severity: Severity;
  title: string;
  stage: string | null;
  impacts: readonly Impact[];
  resources: readonly string[];
  startedAt: string | null;
  mitigatedAt: string | null;
  resolvedAt: string | null;
  endsAt: string | null;
  revision: number;
  firstSeenAt: string;
  /** Stable for the life of the incident: `[Outage] Container Registry, West Europe +1: title (CNT1-0AR)`. Not cut. */
  headline: string;
  /** Facts worth showing, in display order. */
  details: Readonly<Record<string, string>>;
}

/** The newest post that a step covers. `html` is Microsoft's own and not yet sanitised. */
export interface CommunicationView {
  id: string | null;
  title: string;
  html: string;
  at: string;
}

export interface AudienceSubscription {
  id: string;
  name: string | null;
  team: string | null;
}

/** One thing to bring about at one destination. */
export interface Step {
  action: Action;
  /** First and last revision that this step brings the destination up to. */
  covers: readonly [number, number];
  /** The destination has an accepted or unknown opening under this vendor key that was not closed since. */
  opened: boolean;
  /** The destination was told anything about this incident before, closed or not. */
  told: boolean;
  /** A try of this step may have arrived already and the vendor cannot tell: say so in the message. */
  repeat: boolean;
  /** More than one revision in one message: say what it covers. */
  catchUp: boolean;
  /** Learned by back-fill, not by push. */
  late: boolean;
  /** What a reader must see first beside the marks above: that it flaps or has stopped, or stands in for another destination. */
  remark?: { word: string; sentence: string };
  /** A marked test of the destination (`send-test`, test notifications): what it opens, the adapter closes in the same step. */
  test: boolean;
  incident: IncidentView;
  communication: CommunicationView | null;
  /** What changed since the last message to this destination, one sentence each; empty on the first. */
  changes: readonly string[];
  /** Subscriptions that this destination's routes matched (at most 50 of them), then how many the incident has in all. */
  audience: { subscriptions: readonly AudienceSubscription[]; total: number };
  route: { runbook: string | null; note: string | null; fields: Readonly<Record<string, string>> };
  links: { timeline: string | null; portal: string | null };
}

/** Why an attempt ended as it did; also a metric label, so the list is closed. */
export type Reason =
  | 'ok'
  | 'rate-limited'
  | 'server-error'
  | 'unauthorized'
  | 'forbidden'
  | 'not-found'
  | 'gone'
  | 'invalid-request'
  | 'too-large'
  | 'wrong-body'
  | 'redirect'
  | 'timeout'
  | 'connect'
  | 'dns'
  | 'tls'
  | 'reset'
  | 'egress'
  | 'aborted'
  | 'refused'
  | 'crashed'
  /** Accepted, and then without effect, as the vendor says. */
  | 'dropped'
  | 'unexpected';

/** What the vendor answered. Never holds a secret; the API shows it as it is. */
export interface Receipt {
  /** `confirmed` only where the vendor can say that the thing exists; else `accepted` (destinations 0, fact 1). */
  level: 'accepted' | 'confirmed';
  [field: string]: string | number | boolean | null | readonly string[];
}

/** What an adapter must remember between steps of one delivery: ticket ids, thread ids, the fingerprint of a key. JSON, at most 8 KiB. */
export type Memo = Readonly<Record<string, string | number | boolean | null>>;

interface OutcomeBase {
  /** HTTP or SMTP status where there was one. */
  status?: number | null;
  /** For people: what happened, without secrets, at most 500 characters. */
  detail?: string;
  /** Replaces the delivery's memo when present. */
  memo?: Memo;
}
export type Accepted = OutcomeBase & { outcome: 'accepted'; receipt: Receipt };
/** Certainly without effect at the vendor; try again on the retry clock. */
export type Retryable = OutcomeBase & { outcome: 'retryable'; reason: Reason; retryAfterMs?: number };
/** Will not work however often it is tried. */
export type Permanent = OutcomeBase & { outcome: 'permanent'; reason: Reason; disableDestination?: boolean };
/** May or may not have taken effect: the request went out and no usable answer came back. */
export type Unknown = OutcomeBase & { outcome: 'unknown'; reason: Reason };
/** What came of a step. Returned, never thrown: a throw is a bug and counts as retryable `unexpected`. */
export type Outcome = Accepted | Retryable | Permanent | Unknown;

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  url: string;
  headers?: Record<string, string>;
  body?: string;
  /** Limit on the whole call, milliseconds. The pipeline's own deadline applies as well. */
  timeoutMs?: number;
}

export interface HttpAnswer {
  answered: true;
  status: number;
  /** Lower-cased names. */
  headers: Readonly<Record<string, string>>;
  /** At most 256 KiB; cut beyond. */
  body: string;
}

/** `sent` tells whether the request may have reached the vendor: false (always for `egress`) is safe to repeat, true is unknown. */
export interface HttpFailure {
  answered: false;
  sent: boolean;
  reason: Reason;
  detail: string;
}

/** Never throws, never follows a redirect, refuses targets outside the egress rules after DNS resolution. */
export type HttpCall = (request: HttpRequest) => Promise<HttpAnswer | HttpFailure>;

export interface AdapterLog {
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
}

export interface DestinationView {
  name: string;
  /** `id` from the config, else the name; part of the vendor key. */
  id: string;
  /** IANA name, for times in messages; UTC is always shown as well. */
  timezone: string;
  /** `redacted`: title, scope and link only, no Microsoft text. */
  sensitive: 'full' | 'redacted';
}

export interface DeliverContext<S> {
  settings: S;
  destination: DestinationView;
  relayId: string;
  /** 64 hex characters: relayId, identity, episode and destination id, hashed. Same for every step of a delivery. */
  vendorKey: string;
  /** Same for every try of this step, different for the next step: `webhook-id`, Message-ID. Matches `[a-z0-9_-]{1,80}`. */
  stepKey: string;
  memo: Memo;
  /** The last try of this very step has no known outcome: look before you create. */
  settling: boolean;
  http: HttpCall;
  /** Resolves a host for a non-HTTP protocol and applies the egress rules; throws an `Error` that names the rule. */
  resolveHost(host: string, options: { tls: boolean }): Promise<string>;
  /** Fires at the pipeline's deadline and at shutdown. */
  signal: AbortSignal;
  log: AdapterLog;
  now(): Date;
}

/** How an attempt without an outcome is settled (design 3.5). */
export type RepeatPolicy =
  /** The vendor dedups by our key: the same step again does no harm. */
  | 'key'
  /** The vendor can be asked; the adapter does so when `context.settling`. */
  | 'lookup'
  /** Neither: once more, marked as a repeat. */
  | 'mark';

export interface Adapter<S = unknown> {
  kind: string;
  /** Validates the destination's own keys; common keys (`updates`, `rate`, ...) are checked by the config. Faults name keys, never values. */
  settings: ZodType<S>;
  /** Vendor limits, for docs and tests: unit in the name, source in the adapter's README. */
  limits: Readonly<Record<string, number>>;
  repeat: RepeatPolicy;
  defaults: { updates: 'lifecycle' | 'each'; failOpen: boolean; concurrency: number };
  /** Longest time one step may take, milliseconds; the call is aborted then. */
  deadlineMs: number;
  /** Values that must never appear in logs, receipts, errors or the API. */
  secrets(settings: S): string[];
  /** URLs that the egress rules are checked against when the config is read. */
  targets(settings: S): string[];
  /** Changes when the account or key behind the destination changes; a hash, never the key (destinations 1.3). */
  accountKey(settings: S): string;
  deliver(step: Step, context: DeliverContext<S>): Promise<Outcome>;
  /** Asks a vendor that can tell whether an accepted call took effect; null while it does not know. */
  confirm?(receipt: Receipt, context: DeliverContext<S>): Promise<Receipt | null>;
  /** `relay check --online`: access, choices, mandatory fields. Makes no record. Returns faults, empty when all is well. */
  probe?(context: DeliverContext<S>): Promise<string[]>;
  /** What people would read, where a step does not go out through `context.http`: for `relay route --explain`. */
  preview?(step: Step, context: DeliverContext<S>): { subject: string; text: string };
  /** Lets go of connections that the adapter keeps between calls; they are opened anew on demand. At shutdown. */
  close?(): void;
}
