/** The standard variables of OpenTelemetry are heeded, and none of them keeps the relay from starting. */
import { expect, test } from 'vitest';
import { readEnvironment } from '#src/config/env.ts';
import { readTracing, type TracingSettings } from '#src/config/env-tracing.ts';

function read(variables: Record<string, string>): TracingSettings | null {
  return readTracing((name) => variables[name] ?? null);
}
const KEY = 'InstrumentationKey=11111111-2222-4333-8444-555555555555;IngestionEndpoint=https://x.example/';

test('nothing asks for traces: there are none', () => {
  expect(read({})).toBeNull();
  expect(read({ OTEL_SERVICE_NAME: 'x', OTEL_TRACES_SAMPLER: 'always_on' })).toBeNull();
  expect(read({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318', OTEL_SDK_DISABLED: 'True' })).toBeNull();
  expect(read({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318', OTEL_TRACES_EXPORTER: 'none' })).toBeNull();
});

test.each([
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }, 'http://c:4318/v1/traces'],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://c/otlp/' }, 'https://c/otlp/v1/traces'],
  [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c:4318/as/it/is' }, 'http://c:4318/as/it/is'],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://b/t' }, 'http://b/t'],
])('%o is posted to %s', (variables, url) => {
  expect(read(variables)).toMatchObject({ otlpUrl: url, insights: null, warnings: [] });
});

test.each([
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' }, 'not an http or https URL'],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4317', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, 'only http/protobuf'],
  [{ APPLICATIONINSIGHTS_CONNECTION_STRING: 'IngestionEndpoint=https://x' }, 'no InstrumentationKey'],
])('%o is a warning, and no exporter', (variables, warning) => {
  const settings = read(variables)!;
  expect(settings).toMatchObject({ otlpUrl: null, insights: null });
  expect(settings.warnings).toEqual([expect.stringContaining(warning)]);
});

test('a sampler or a figure that makes no sense is a warning, and the usual one is taken', () => {
  const settings = read({
    APPLICATIONINSIGHTS_CONNECTION_STRING: KEY,
    OTEL_TRACES_SAMPLER: 'traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '7',
    OTEL_BSP_MAX_QUEUE_SIZE: '-1',
    OTEL_BSP_EXPORT_TIMEOUT: '1e99',
  })!;
  expect(settings).toMatchObject({
    insights: KEY,
    sampler: { name: 'traceidratio', ratio: 1 },
    queueMax: 2_048,
    exportTimeoutMs: 10_000,
  });
  expect(settings.warnings).toHaveLength(3);
  expect(read({ APPLICATIONINSIGHTS_CONNECTION_STRING: KEY, OTEL_TRACES_SAMPLER: 'jaeger_remote' })).toMatchObject({
    sampler: { name: 'parentbased_always_on' },
    warnings: [expect.stringContaining('OTEL_TRACES_SAMPLER')],
  });
});

test('a batch is never larger than the queue', () => {
  expect(read({ APPLICATIONINSIGHTS_CONNECTION_STRING: KEY, OTEL_BSP_MAX_QUEUE_SIZE: '10' })?.batchMax).toBe(10);
});

test('a warning quotes no value that may hold a secret', () => {
  const settings = read({
    OTEL_EXPORTER_OTLP_ENDPOINT: 'ftp://user:hunter2@c',
    APPLICATIONINSIGHTS_CONNECTION_STRING: 'hunter2',
  })!;
  expect(JSON.stringify(settings.warnings)).not.toContain('hunter2');
});

test('the reader of the environment brings them along', () => {
  const env = readEnvironment({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' });
  expect(env.ok && env.value.tracing?.otlpUrl).toBe('http://c:4318/v1/traces');
});
