/**
 * Starts tracing when the environment asks for it. OpenTelemetry is loaded only here, on demand: without traces none of
 * it is in memory. Nothing in this room may hold up, fail or repeat what the relay does.
 */
import type { TracingSettings } from '#src/config/env-tracing.ts';
import type { Tracing } from '#src/core/trace.ts';
import type { Log } from '#src/log.ts';
import type { Metrics } from '#src/metrics.ts';
import type { Telemetry } from 'bullmq';

export interface StartedTracing {
  tracing: Tracing;
  /** For the queue: spans for rings only. */
  telemetry: Telemetry;
  /** Sends what waits, within {@link STOP_MS}, and lets go of the process-wide registrations. */
  stop(): Promise<void>;
}

export interface StartTracingOptions {
  role: string;
  log: Log;
  metrics: Metrics;
}

/** Null where nothing asks for traces, or where they cannot be had; the reason is logged. Never throws. */
export async function startTracing(
  settings: TracingSettings | null | undefined,
  { role, log, metrics }: StartTracingOptions,
): Promise<StartedTracing | null> {
  if (!settings) return null;
  for (const reason of settings.warnings) log.warn({ reason }, 'traces.setting');
  if (settings.otlpUrl === null && settings.insights === null) return null;
  try {
    const { openSdk } = await import('./sdk.ts');
    const started = await openSdk(settings, {
      role,
      onSpans: (result, count) => metrics.traceSpans.inc({ result }, count),
      onFault: (error) => log.warn({ error }, 'traces.export'),
    });
    log.info({ otlp: settings.otlpUrl !== null, insights: settings.insights !== null }, 'traces.started');
    return started;
  } catch (error) {
    log.error({ error: (error as Error).message }, 'traces.off');
    return null;
  }
}
