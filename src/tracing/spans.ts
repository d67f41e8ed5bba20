/** The spans of the relay: receipt, commit, attempt, vendor call. Names and figures only, never what somebody wrote. */
import {
  context,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Link,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import type { HttpCall, Outcome } from '#src/core/adapter.ts';
import type { Signal, SignalOutcome } from '#src/core/signal.ts';
import { parseTraceparent, type AttemptAbout, type Receipt, type TracePlace, type Tracing } from '#src/core/trace.ts';
import { contextAt, spanContextOf, traceparentOf } from './places.ts';

/** Of a commit that hundreds share, the traces of this many are named. */
const LINKS_MAX = 64;

/** The tracing of a process on a tracer whose provider is registered. */
export function createSpans(tracer: Tracer): Tracing {
  /** Runs `work` inside the span; a throw is marked with its class, never with its words. */
  async function inside<Result>(span: Span, base: Context, work: () => Promise<Result>): Promise<Result> {
    try {
      return await context.with(trace.setSpan(base, span), work);
    } catch (error) {
      fail(span, (error as Error).constructor.name);
      throw error;
    } finally {
      span.end();
    }
  }

  return {
    receive(receipt, signals, work) {
      const base = contextAt(receipt.door === 'event-hub' ? null : parseTraceparent(receipt.caller));
      const span = tracer.startSpan(
        nameOf(receipt),
        { kind: kindOf(receipt), attributes: attributesOf(receipt) },
        base,
      );
      const own = traceparentOf(span.spanContext());
      for (const signal of signals) signal.trace = own;
      span.setAttribute('relay.signals', signals.length);
      const http = receipt.door !== 'event-hub';
      return inside(span, base, async () => {
        try {
          const results = await work();
          if (results === 'lost') fail(span, 'lost');
          else span.setAttributes(outcomeCounts(results));
          if (http) span.setAttribute('http.response.status_code', 202);
          return results;
        } catch (error) {
          // Whatever the reason, a receiver answers 503 (azure-signals 0.6).
          if (http) span.setAttribute('http.response.status_code', 503);
          throw error;
        }
      });
    },

    flush(signals, work) {
      const places = placesOf(signals);
      // The commit stands in one trace, and points at the others that it is for.
      const home = places.find((place) => place.sampled) ?? places[0] ?? null;
      const links = places
        .filter((place) => place !== home)
        .slice(0, LINKS_MAX)
        .map(linkTo);
      const base = contextAt(home);
      const attributes = { 'relay.signals': signals.length };
      const span = tracer.startSpan('ingest', { kind: SpanKind.INTERNAL, attributes, links }, base);
      const own = traceparentOf(span.spanContext());
      for (const signal of signals) signal.trace ??= own;
      return inside(span, base, work);
    },

    attempt(about, work) {
      const { base, links } = attemptPlace(about);
      const { destination, type, action } = about;
      const attributes = { 'relay.destination': destination, 'relay.type': type, 'relay.action': action };
      const span = tracer.startSpan(`deliver ${destination}`, { kind: SpanKind.INTERNAL, attributes, links }, base);
      return inside(span, base, async () => {
        const outcome = await work();
        span.setAttributes(outcomeOf(outcome));
        if (outcome.outcome !== 'accepted') fail(span, outcome.reason);
        return outcome;
      });
    },

    calls(call: HttpCall): HttpCall {
      return async (request) => {
        const url = URL.canParse(request.url) ? new URL(request.url) : null;
        // Host and port at most: the path of a chat webhook is its password.
        const attributes = {
          'http.request.method': request.method,
          ...(url ? { 'server.address': url.hostname, 'server.port': portOf(url) } : {}),
        };
        const name = url ? `${request.method} ${url.hostname}` : request.method;
        const span = tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes });
        return inside(span, context.active(), async () => {
          const result = await call(request);
          if (!result.answered) fail(span, result.reason);
          else {
            span.setAttribute('http.response.status_code', result.status);
            if (result.status >= 400) fail(span, String(result.status));
          }
          return result;
        });
      };
    },

    answering(destination) {
      trace.getActiveSpan()?.setAttribute('relay.destination', destination);
    },
  };
}

/**
 * Where an attempt stands: below the ring that is being answered if that ring is of the same trace; else in the trace of
 * its signal, pointing at the ring. A ring that has ended, as with a later try, is none.
 */
function attemptPlace({ trace: told }: AttemptAbout): { base: Context; links: Link[] } {
  if (told === undefined) return { base: context.active(), links: [] };
  const signal = parseTraceparent(told);
  const active = trace.getActiveSpan();
  const ring = active?.isRecording() ? active.spanContext() : null;
  if (ring !== null && ring.traceId === signal?.traceId) return { base: context.active(), links: [] };
  return { base: contextAt(signal, ROOT_CONTEXT), links: ring === null ? [] : [{ context: ring }] };
}

/** Distinct contexts, in order. */
function placesOf(signals: readonly Signal[]): TracePlace[] {
  const texts = new Set(signals.map((signal) => signal.trace));
  return [...texts].map(parseTraceparent).filter((place) => place !== null);
}

function linkTo(place: TracePlace): Link {
  return { context: spanContextOf(place) };
}

function nameOf(receipt: Receipt): string {
  return receipt.door === 'event-hub' ? `receive ${receipt.hub}` : `POST ${receipt.route}`;
}

function kindOf(receipt: Receipt): SpanKind {
  return receipt.door === 'event-hub' ? SpanKind.CONSUMER : SpanKind.SERVER;
}

function attributesOf(receipt: Receipt): Attributes {
  const common = { 'relay.door': receipt.door, 'relay.source': receipt.source };
  if (receipt.door !== 'event-hub') return { ...common, 'http.request.method': 'POST', 'http.route': receipt.route };
  const partition = receipt.partition === null ? {} : { 'messaging.destination.partition.id': receipt.partition };
  return {
    ...common,
    'messaging.system': 'eventhubs',
    'messaging.operation.type': 'process',
    'messaging.destination.name': receipt.hub,
    ...partition,
  };
}

function outcomeCounts(results: readonly { outcome: SignalOutcome }[]): Attributes {
  const counts: Record<string, number> = {};
  for (const { outcome } of results) counts[`relay.outcome.${outcome}`] = (counts[`relay.outcome.${outcome}`] ?? 0) + 1;
  return counts;
}

function outcomeOf(outcome: Outcome): Attributes {
  const reason = outcome.outcome === 'accepted' ? 'ok' : outcome.reason;
  return {
    'relay.outcome': outcome.outcome,
    'relay.reason': reason,
    ...(typeof outcome.status === 'number' ? { 'relay.status': outcome.status } : {}),
  };
}

function portOf(url: URL): number {
  return url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
}

function fail(span: Span, kind: string): void {
  span.setAttribute('error.type', kind);
  span.setStatus({ code: SpanStatusCode.ERROR });
}
