/**
 * BullMQ's own spans, as `bullmq-otel` makes them, for what carries a ring: adding it and answering it. Its workers also
 * open spans for each look at the queue, several a minute and for ever: those are left out.
 */
import { ROOT_CONTEXT, type Context } from '@opentelemetry/api';
import type { Telemetry } from 'bullmq';
import { BullMQOtel } from 'bullmq-otel';

type BullSpan = ReturnType<Telemetry<Context>['tracer']['startSpan']>;

const WANTED = /^(?:add|addBulk|process) /;

const NOTHING: BullSpan = {
  setSpanOnContext: (ctx: unknown) => ctx,
  setAttribute: () => undefined,
  setAttributes: () => undefined,
  addEvent: () => undefined,
  recordException: () => undefined,
  end: () => undefined,
};

/** To be made after the provider is registered. */
export function ringTelemetry(): Telemetry<Context> {
  const { tracer, contextManager } = new BullMQOtel({ tracerName: 'bullmq' }) as Telemetry<Context>;
  return {
    contextManager,
    tracer: {
      startSpan(name, options, ctx) {
        if (!WANTED.test(name)) return NOTHING;
        // A ring without a trace must not fall to whoever happened to start the worker.
        const answers = name.startsWith('process ');
        const span = tracer.startSpan(name, options, ctx ?? (answers ? ROOT_CONTEXT : undefined));
        // "job completed", with the result of a drain, which is none.
        span.addEvent = () => undefined;
        // The words of an error may quote a row or an address.
        span.recordException = (error) => {
          const kind = typeof error === 'object' ? (error.code ?? error.name) : undefined;
          span.setAttribute('error.type', String(kind ?? 'error'));
        };
        return span;
      },
    },
  };
}
