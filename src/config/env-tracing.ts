/**
 * The variables of OpenTelemetry that the relay heeds, and the one of Application Insights. Nothing here keeps the relay
 * from starting: a value that cannot be used is a warning, and there are no traces.
 */

export type SamplerName =
  | 'always_on'
  | 'always_off'
  | 'traceidratio'
  | 'parentbased_always_on'
  | 'parentbased_always_off'
  | 'parentbased_traceidratio';

export interface TracingSettings {
  /** Where OTLP spans are posted, path included; null: nowhere. */
  otlpUrl: string | null;
  /** Connection string of Application Insights; null: nothing is sent there. */
  insights: string | null;
  sampler: { name: SamplerName; ratio: number };
  /** Spans that may wait for the exporter; more are dropped. */
  queueMax: number;
  batchMax: number;
  /** Between two exports while there are few spans. */
  delayMs: number;
  /** One export may take so long. */
  exportTimeoutMs: number;
  /** What could not be used, one sentence each. */
  warnings: string[];
}

const SAMPLERS: readonly SamplerName[] = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
];

/** Null where nothing asks for traces. Defaults are those of the OpenTelemetry specification, but for the time limit of an export. */
export function readTracing(get: (variable: string) => string | null): TracingSettings | null {
  const own = get('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT');
  const shared = get('OTEL_EXPORTER_OTLP_ENDPOINT');
  const insights = get('APPLICATIONINSIGHTS_CONNECTION_STRING');
  if (own === null && shared === null && insights === null) return null;
  if (get('OTEL_SDK_DISABLED')?.toLowerCase() === 'true' || get('OTEL_TRACES_EXPORTER') === 'none') return null;
  const warnings: string[] = [];
  const whole = (variable: string, usual: number, max: number): number => {
    const given = get(variable);
    if (given === null) return usual;
    if (/^\d{1,9}$/.test(given) && Number(given) >= 1 && Number(given) <= max) return Number(given);
    warnings.push(`${variable} is not a whole number from 1 to ${max}: ${usual} is used`);
    return usual;
  };
  const queueMax = whole('OTEL_BSP_MAX_QUEUE_SIZE', 2_048, 100_000);
  return {
    otlpUrl: otlpUrl(own, shared, { protocol: protocolOf(get), warnings }),
    insights: insights === null ? null : connectionString(insights, warnings),
    sampler: samplerOf(get, warnings),
    queueMax,
    batchMax: Math.min(queueMax, whole('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 512, 100_000)),
    delayMs: whole('OTEL_BSP_SCHEDULE_DELAY', 5_000, 600_000),
    exportTimeoutMs: whole('OTEL_BSP_EXPORT_TIMEOUT', 10_000, 60_000),
    warnings,
  };
}

function protocolOf(get: (variable: string) => string | null): string {
  return get('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL') ?? get('OTEL_EXPORTER_OTLP_PROTOCOL') ?? 'http/protobuf';
}

/** The shared endpoint gets the path of traces, the one for traces alone is taken as it is. */
function otlpUrl(
  own: string | null,
  shared: string | null,
  { protocol, warnings }: { protocol: string; warnings: string[] },
): string | null {
  const variable = own === null ? 'OTEL_EXPORTER_OTLP_ENDPOINT' : 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT';
  const given = own ?? shared;
  if (given === null) return null;
  if (protocol !== 'http/protobuf') {
    // Said aloud, since the agent of Azure Container Apps sets it by itself and speaks nothing else.
    warnings.push(
      `OTEL_EXPORTER_OTLP_PROTOCOL asks for ${JSON.stringify(protocol.slice(0, 20))}: only http/protobuf is spoken`,
    );
    return null;
  }
  const url = URL.canParse(given) ? new URL(given) : null;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    warnings.push(`${variable} is not an http or https URL`);
    return null;
  }
  if (own === null) url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/traces`;
  return url.href;
}

function connectionString(given: string, warnings: string[]): string | null {
  if (/(?:^|;)\s*InstrumentationKey=[0-9a-f-]{36}\s*(?:;|$)/i.test(given)) return given;
  warnings.push('APPLICATIONINSIGHTS_CONNECTION_STRING has no InstrumentationKey');
  return null;
}

function samplerOf(get: (variable: string) => string | null, warnings: string[]): TracingSettings['sampler'] {
  const given = get('OTEL_TRACES_SAMPLER')?.toLowerCase() ?? 'parentbased_always_on';
  const name = SAMPLERS.find((known) => known === given) ?? null;
  if (name === null) warnings.push(`OTEL_TRACES_SAMPLER is not one of ${SAMPLERS.join(', ')}: every trace is kept`);
  const text = get('OTEL_TRACES_SAMPLER_ARG');
  const ratio = text === null ? 1 : Number(text);
  const fits = ratio >= 0 && ratio <= 1;
  if (name?.endsWith('traceidratio') && !fits)
    warnings.push('OTEL_TRACES_SAMPLER_ARG is not a number from 0 to 1: every trace is kept');
  return { name: name ?? 'parentbased_always_on', ratio: fits ? ratio : 1 };
}
