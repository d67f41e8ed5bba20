/**
 * The contract of tracing, and the one form in which a trace travels: the W3C `traceparent`. The rest of the relay
 * knows no OpenTelemetry; without a {@link Tracing} none of it is loaded and nothing is done.
 */
import type { Action, HttpCall, Outcome } from './adapter.ts';
import type { Signal, SignalOutcome } from './signal.ts';

/** Where signals came in. Names only: a span never holds a token, an address with a query, or what a sender wrote. */
export type Receipt =
  | {
      door: 'webhook' | 'event-grid';
      route: string;
      source: string;
      /** `traceparent` of a caller that has proved who it is; null for others. */
      caller: string | null;
    }
  | { door: 'event-hub'; source: string; hub: string; partition: string | null };

/** What an attempt is about. */
export interface AttemptAbout {
  destination: string;
  type: string;
  action: Action;
  /** Of the signal that made the news: null where it is unknown, undefined inside the span that is open anyway. */
  trace: string | null | undefined;
}

export interface Tracing {
  /** One receipt. The signals are marked with its trace before `work` runs; what `work` does or throws is passed on. */
  receive<Result extends readonly { outcome: SignalOutcome }[] | 'lost'>(
    receipt: Receipt,
    signals: readonly Signal[],
    work: () => Promise<Result>,
  ): Promise<Result>;
  /** One commit for the signals of several receipts. Signals that came through no door get its trace. */
  flush<Result>(signals: readonly Signal[], work: () => Promise<Result>): Promise<Result>;
  /** One attempt at a destination. */
  attempt(about: AttemptAbout, work: () => Promise<Outcome>): Promise<Outcome>;
  /** The same calls, each in a span of its own. */
  calls(call: HttpCall): HttpCall;
  /** Names the destination on the span of the ring that is being answered. */
  answering(destination: string): void;
}

/** A trace context: hex ids, and whether its spans are exported. */
export interface TracePlace {
  traceId: string;
  spanId: string;
  sampled: boolean;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const NO_ID = /^0+$/;

/** Reads a `traceparent` (W3C Trace Context, level 1); null for anything else, however long. */
export function parseTraceparent(text: string | null | undefined): TracePlace | null {
  if (!text || text.length > 200) return null;
  const [, version, traceId, spanId, flags, more] = TRACEPARENT.exec(text) ?? [];
  if (!version || !traceId || !spanId || !flags || version === 'ff') return null;
  // Version 00 ends with the flags; later ones may go on.
  if ((version === '00' && more !== undefined) || NO_ID.test(traceId) || NO_ID.test(spanId)) return null;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** The `traceparent` of a place, version 00. */
export function formatTraceparent({ traceId, spanId, sampled }: TracePlace): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
}

/** For log lines: `{ traceId }`, or nothing where there is no trace. */
export function traceFields(trace: string | null | undefined): { traceId?: string } {
  const place = parseTraceparent(trace);
  return place ? { traceId: place.traceId } : {};
}
