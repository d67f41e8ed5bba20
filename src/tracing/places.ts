/** Between our `traceparent` texts and the contexts of OpenTelemetry. Nothing but the trace travels: no baggage, no state. */
import {
  ROOT_CONTEXT,
  trace,
  TraceFlags,
  type Context,
  type SpanContext,
  type TextMapPropagator,
} from '@opentelemetry/api';
import { formatTraceparent, parseTraceparent, type TracePlace } from '#src/core/trace.ts';

const HEADER = 'traceparent';

/** The span context of a place that another process, or an earlier moment, has told us. */
export function spanContextOf({ traceId, spanId, sampled }: TracePlace): SpanContext {
  return { traceId, spanId, traceFlags: sampled ? TraceFlags.SAMPLED : TraceFlags.NONE, isRemote: true };
}

/** A context in which that place is the parent. */
export function contextAt(place: TracePlace | null, base: Context = ROOT_CONTEXT): Context {
  return place === null ? base : trace.setSpanContext(base, spanContextOf(place));
}

/** The text for a span context. */
export function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return formatTraceparent({ traceId, spanId, sampled: (traceFlags & TraceFlags.SAMPLED) !== 0 });
}

/** W3C Trace Context without `tracestate`, for what BullMQ keeps with a ring. */
export const traceparentPropagator: TextMapPropagator = {
  inject(ctx, carrier, setter) {
    const span = trace.getSpanContext(ctx);
    if (span) setter.set(carrier, HEADER, traceparentOf(span));
  },
  extract(ctx, carrier, getter) {
    const found = getter.get(carrier, HEADER);
    return contextAt(parseTraceparent(Array.isArray(found) ? found[0] : found), ctx);
  },
  fields: () => [HEADER],
};
