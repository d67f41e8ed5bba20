/** The SDK of OpenTelemetry as the relay uses it: one provider, a bounded queue, and a stop that ends. */
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { context, diag, DiagLogLevel, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { TracingSettings } from '#src/config/env-tracing.ts';
import { openExporters, type SpanResult } from './exporters.ts';
import { traceparentPropagator } from './places.ts';
import { ringTelemetry } from './ring-telemetry.ts';
import { samplerFor } from './sampler.ts';
import { createSpans } from './spans.ts';
import type { StartedTracing } from './start.ts';

/** A collector that hangs must not hold up the end. */
export const STOP_MS = 2_000;

export interface SdkOptions {
  role: string;
  onSpans(result: SpanResult, count: number): void;
  /** What went wrong with an export; at most once a minute. */
  onFault(error: string): void;
}

/** Longest text that a span may carry. */
const TEXT_MAX = 200;

/** Throws where another relay of this process has traces already: the registrations are process-wide. */
export async function openSdk(settings: TracingSettings, options: SdkOptions): Promise<StartedTracing> {
  const exporters = await openExporters(settings, options);
  const resource = resourceFromAttributes({
    'service.name': 'health-relay',
    'service.instance.id': hostname(),
    'relay.role': options.role,
    // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES have the last word.
  }).merge(detectResources({ detectors: [envDetector] }));
  const provider = new TracerProvider({
    resource,
    sampler: samplerFor(settings.sampler),
    spanLimits: { attributeValueLengthLimit: TEXT_MAX },
    spanProcessors: exporters.map(
      (exporter) =>
        new BatchSpanProcessor({
          exporter,
          maxQueueSize: settings.queueMax,
          maxExportBatchSize: settings.batchMax,
          scheduledDelayMillis: settings.delayMs,
          exportTimeoutMillis: settings.exportTimeoutMs,
        }),
    ),
  });
  if (!trace.setGlobalTracerProvider(provider)) {
    await provider.shutdown();
    throw new Error('another relay in this process has traces already');
  }
  const contexts = new AsyncLocalStorageContextManager().enable();
  context.setGlobalContextManager(contexts);
  propagation.setGlobalPropagator(traceparentPropagator);
  // The SDK tells of dropped spans only here. Whatever else it says may quote addresses and headers: it is left out.
  const silent = (): void => undefined;
  const warn = (message: string): void => {
    const dropped = /^Dropped (\d+) spans/.exec(message)?.[1];
    if (dropped !== undefined) options.onSpans('dropped', Number(dropped));
  };
  diag.setLogger(
    { error: silent, warn, info: silent, debug: silent, verbose: silent },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );

  return {
    tracing: createSpans(provider.getTracer('health-relay')),
    telemetry: ringTelemetry(),
    async stop() {
      await Promise.race([provider.shutdown().catch(silent), sleep(STOP_MS, undefined, { ref: false })]);
      trace.disable();
      propagation.disable();
      context.disable();
      contexts.disable();
      diag.disable();
    },
  };
}
