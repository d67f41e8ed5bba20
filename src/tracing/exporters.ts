/**
 * Where spans go: an OTLP endpoint, Application Insights, or both. Each exporter is fenced in: it may throw, reject, hang
 * or call back twice, and nobody but the counters notices.
 */
import type { AzureMonitorExporterOptions } from '@azure/monitor-opentelemetry-exporter';
import { SpanKind } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import type { TracingSettings } from '#src/config/env-tracing.ts';

export type SpanResult = 'exported' | 'failed' | 'dropped';

export interface ExporterOptions {
  onSpans(result: SpanResult, count: number): void;
  onFault(error: string): void;
}

/** The contract of an exporter, with the codes of `@opentelemetry/core` as plain numbers: 0 is success. */
export interface Exporter {
  export(spans: ReadableSpan[], done: (result: { code: number; error?: Error }) => void): unknown;
  shutdown(): Promise<void>;
}

const SUCCESS = 0;
const FAULT_EVERY_MS = 60_000;

/** The exporters that the settings name. Headers, certificates and compression of OTLP come from its own variables. */
export async function openExporters(settings: TracingSettings, options: ExporterOptions): Promise<SpanExporter[]> {
  const { otlpUrl, insights, exportTimeoutMs } = settings;
  const open: Exporter[] = [];
  // A second export while one hangs would only grow the memory.
  if (otlpUrl !== null)
    open.push(new OTLPTraceExporter({ url: otlpUrl, timeoutMillis: exportTimeoutMs, concurrencyLimit: 2 }));
  if (insights !== null) open.push(await insightsExporter(insights, exportTimeoutMs));
  return open.map((exporter): SpanExporter => fenced(exporter, { ...options, timeoutMs: exportTimeoutMs }));
}

/**
 * The exporter of Azure Monitor. It brings a tree of the 2.x line, but only reads spans, and those have kept their shape:
 * it takes spans of our 3.x SDK as they are.
 */
async function insightsExporter(connectionString: string, timeoutMs: number): Promise<Exporter> {
  // Its figures about itself would go to Microsoft, with a second pipeline of metrics: only where somebody wants them.
  process.env['APPLICATION_INSIGHTS_NO_STATSBEAT'] ??= 'true';
  process.env['APPLICATIONINSIGHTS_SDKSTATS_DISABLED'] ??= 'true';
  const { AzureMonitorTraceExporter } = await import('@azure/monitor-opentelemetry-exporter');
  const azure = new AzureMonitorTraceExporter({
    connectionString,
    // Spans that could not be sent are not worth a disk.
    disableOfflineStorage: true,
    // It has no time limit of its own: requests that hang would pile up, each with its spans.
    additionalPolicies: [{ position: 'perRetry', policy: timeLimit(timeoutMs) }],
    retryOptions: { maxRetries: 1 },
  }) as unknown as Exporter;
  return {
    export: (spans, done) => azure.export(spans.map(withOperationName), done),
    shutdown: () => azure.shutdown(),
  };
}

type Policy = NonNullable<AzureMonitorExporterOptions['additionalPolicies']>[number]['policy'];

function timeLimit(timeoutMs: number): Policy {
  return {
    name: 'timeLimit',
    sendRequest(request, next) {
      request.timeout = timeoutMs;
      return next(request);
    },
  };
}

/** It names a request after this attribute unless it is an HTTP one: what answers a ring would have no name. */
function withOperationName(span: ReadableSpan): ReadableSpan {
  if (span.kind !== SpanKind.CONSUMER) return span;
  const attributes = { ...span.attributes, 'ai.operation.name': span.name };
  return Object.create(span, { attributes: { value: attributes, enumerable: true } }) as ReadableSpan;
}

/** Always tells the SDK that all went well: its own complaint would be a second log line, with the stack. */
export function fenced(exporter: Exporter, options: ExporterOptions & { timeoutMs: number }): Exporter {
  let toldMs = -Infinity;

  function failed(count: number, error: string): void {
    options.onSpans('failed', count);
    const nowMs = performance.now();
    if (nowMs - toldMs < FAULT_EVERY_MS) return;
    toldMs = nowMs;
    options.onFault(error.slice(0, 200));
  }

  return {
    export(spans: ReadableSpan[], done) {
      let settled = false;
      const settle = (error: string | null): void => {
        if (settled) return;
        settled = true;
        clearTimeout(timer);
        if (error === null) options.onSpans('exported', spans.length);
        else failed(spans.length, error);
        done({ code: SUCCESS });
      };
      // A little before the SDK's own limit, whose end would be an error of its own.
      const timer = setTimeout(() => settle('no answer in time'), options.timeoutMs * 0.95);
      timer.unref();
      try {
        // By its type it returns nothing; one of the two is an async function all the same.
        const running = exporter.export(spans, (result) =>
          settle(result.code === SUCCESS ? null : (result.error?.message ?? 'refused')),
        );
        Promise.resolve(running).catch((error: unknown) => settle(String(error)));
      } catch (error) {
        settle(String(error));
      }
    },
    async shutdown() {
      await exporter.shutdown();
    },
  };
}
