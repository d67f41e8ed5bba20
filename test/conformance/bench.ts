/**
 * What an adapter must bring to be put through the conformance suite: a strict stand-in of its vendor and a look at it
 * through the eyes of a person on call. One file per kind, `benches/<kind>.ts`, that exports `bench`; the suite runs
 * over the registry, and a kind without a bench fails.
 */
import type { Fault, VendorAnswer, VendorRequest } from '#test/support/vendors/vendor-server.ts';

export interface ConformanceBench {
  /** Must equal the adapter's `kind`. */
  kind: string;
  /** `smtp`: the HTTP transport cases do not apply; the suite lists such kinds by name. */
  transport: 'http' | 'smtp';
  /**
   * `stateful`: the vendor keeps a page or ticket with a life (PagerDuty, Opsgenie, ServiceNow, a webhook receiver).
   * `messages`: every step is a message of its own (Teams, Slack, mail).
   */
  lifecycle: 'stateful' | 'messages';
  /** False where the vendor takes any length of text (mail), so that nothing needs a visible cut. */
  cutsText: boolean;
  /**
   * Requests without effect that an `open` step makes before its first write (a look-up, a token), 0 for most. The
   * suite lets that many pass before it breaks the write.
   */
  requestsBeforeWrite: number;
  /**
   * The vendor's own answers with status 2xx that are no success (`ok: false`); the suite adds a web page. Empty only
   * where the vendor has no such answer; the suite lists these kinds by name.
   */
  wrongBodies: readonly VendorAnswer[];
  /** Starts a fresh stand-in on loopback, without any state. Called once per test. */
  start(): Promise<RunningBench>;
}

export interface RunningBench {
  /**
   * The destination's own keys as in relay.yaml (without `type` and the common keys), before `adapter.settings` parsed
   * them: a valid destination that points at the stand-in.
   */
  settings: Record<string, unknown>;
  /**
   * Every value in `settings` that must never be seen again: keys, passwords, secret URLs or the secret part of them.
   * Each has at least 8 characters and is, or contains, one of the values that `adapter.secrets` returns.
   */
  secrets: readonly string[];
  /** The stand-in, for faults and counts; `VendorServer` fits. Null only for `smtp`. */
  server: FaultyServer | null;
  /** What happened so far, as a person on call sees it: a snapshot, for the suite compares before with after. */
  observed(): Observed | Promise<Observed>;
  /** Stops the stand-in and leaves no handle open. Safe to call twice. */
  stop(): Promise<void>;
}

/** The part of `VendorServer` that the suite needs. */
export interface FaultyServer {
  /** Every request that arrived, faulty or not. */
  readonly requests: readonly VendorRequest[];
  failNext(fault: Fault, times?: number): void;
  failAlways(fault: Fault | null): void;
}

export interface Observed {
  /** How often somebody was woken: a page opened or opened again. Always 0 for `messages` and for plain records. */
  woken: number;
  /** Pages or tickets that stand open now. Always 0 for `messages`. */
  open: number;
  /**
   * Lasting things at the vendor, each counted once: alerts, tickets, applied webhook events, cards, mails. What a
   * repeat of the same step must not add to. Change events and notes on a record do not count.
   */
  records: number;
  /** Requests that the vendor refused as invalid: too long, unknown field, bad signature. */
  refused: number;
  /** Everything that a person could read, oldest first: opens, updates, closings, notes, change events, cards, mails. */
  messages: readonly ObservedMessage[];
}

export interface ObservedMessage {
  /** Title and text as the vendor would show them, without markup of the vendor's own (mail: subject and text part). */
  text: string;
  /** Targets that can be clicked: link fields, buttons, and links within the text. */
  links: readonly string[];
}
