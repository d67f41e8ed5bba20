/** The variables of the environment that the relay and its commands read, with the defaults that they have unless set. */

export interface Variable {
  name: string;
  /** Null: nothing, or what `what` says. */
  usual: string | null;
  /** One sentence or two, with units and limits. */
  what: string;
}

const STORE_AUTH = '`entra`: sign in with tokens of Microsoft Entra in place of the password in the URL.';

/** Where the relay runs and what it stands on. */
export const PLACE = [
  { name: 'PORT', usual: '8080', what: 'Port to listen on, 0 to 65535; `0` takes a free one.' },
  { name: 'HOST', usual: '127.0.0.1', what: 'Address to listen on; the container sets `0.0.0.0`.' },
  { name: 'DATABASE_URL', usual: null, what: 'Your Postgres (`postgres://...`); without it the relay starts its own.' },
  {
    name: 'REDIS_URL',
    usual: null,
    what: 'Redis for the queue (`redis://` or `rediss://`); without it the queue lives on Postgres.',
  },
  { name: 'DATABASE_AUTH', usual: 'password', what: STORE_AUTH },
  { name: 'REDIS_AUTH', usual: 'password', what: STORE_AUTH },
  { name: 'RELAY_CONFIG', usual: 'relay.yaml', what: 'The config file.' },
  { name: 'RELAY_ROLE', usual: 'all', what: '`all`, `api` or `worker`; `api` and `worker` need `DATABASE_URL`.' },
  { name: 'RELAY_DATA_DIR', usual: '.relay', what: 'Folder for what the relay keeps on disk.' },
  {
    name: 'RELAY_SPOOL_DIR',
    usual: null,
    what: 'Folder of the spool. Unless set `spool` below the data folder, if `RELAY_DATA_DIR` is set or there is no `DATABASE_URL`; else there is no spool.',
  },
  { name: 'LOG_LEVEL', usual: 'info', what: '`trace`, `debug`, `info`, `warn`, `error`, `fatal` or `silent`.' },
] as const satisfies readonly Variable[];

/** Traces: those of OpenTelemetry that the relay heeds, and the one of Application Insights. */
export const TRACES: readonly Variable[] = [
  {
    name: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    usual: null,
    what: 'A collector that speaks OTLP over HTTP (`http://collector:4318`); `/v1/traces` is added.',
  },
  { name: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', usual: null, what: 'The same, taken as it is; it wins.' },
  {
    name: 'APPLICATIONINSIGHTS_CONNECTION_STRING',
    usual: null,
    what: 'Application Insights, directly. This and a collector may both be set.',
  },
  { name: 'OTEL_EXPORTER_OTLP_PROTOCOL', usual: 'http/protobuf', what: 'Nothing else is spoken.' },
  { name: 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', usual: null, what: 'The same, for traces alone; it wins.' },
  {
    name: 'OTEL_TRACES_SAMPLER',
    usual: 'parentbased_always_on',
    what: '`always_on`, `always_off`, `traceidratio`, each also as `parentbased_...`: then a caller that brings a trace decides.',
  },
  { name: 'OTEL_TRACES_SAMPLER_ARG', usual: '1', what: 'The ratio of `traceidratio`, from 0 to 1.' },
  { name: 'OTEL_BSP_MAX_QUEUE_SIZE', usual: '2048', what: 'Spans that may wait, 1 to 100000; more are dropped.' },
  { name: 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE', usual: '512', what: 'Spans per export, 1 to 100000.' },
  { name: 'OTEL_BSP_SCHEDULE_DELAY', usual: '5000', what: 'Milliseconds between two exports, 1 to 600000.' },
  { name: 'OTEL_BSP_EXPORT_TIMEOUT', usual: '10000', what: 'Milliseconds that one export may take, 1 to 60000.' },
  { name: 'OTEL_SDK_DISABLED', usual: null, what: '`true` turns traces off.' },
  { name: 'OTEL_TRACES_EXPORTER', usual: null, what: '`none` turns traces off.' },
];

/** The commands that call a running relay. */
export const COMMANDS: readonly Variable[] = [
  { name: 'RELAY_URL', usual: null, what: 'Address of the running relay. Unless set `http://127.0.0.1` at `PORT`.' },
  {
    name: 'RELAY_TOKEN',
    usual: null,
    what: 'Token of its API. Unless set the first token of role `operate` in the config.',
  },
];

/** What a variable of the first group is where it is not set. */
export function usual(variable: Extract<(typeof PLACE)[number], { usual: string }>['name']): string {
  return PLACE.find(({ name }) => name === variable)!.usual!;
}
