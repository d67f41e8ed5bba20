/**
 * A strict local data plane of Azure Monitor metrics, for the real client of `@azure/monitor-query-metrics`: one address
 * per region, resources of one subscription, region and type at a time, known grains only, `{ value, localizedValue }`
 * where the service sends it. Throttling comes by `failNext`.
 */
import { VendorServer, type VendorAnswer, type VendorRequest } from '#test/support/vendors/vendor-server.ts';
import { ARM_TOKEN } from './arm-server.ts';

/** A resource with metrics. A value of null is a point without one; undefined leaves the point out. */
export interface MeteredResource {
  /** Any case. */
  id: string;
  region: string;
  /** A rate per minute, by metric, moment and the minutes of the grain: sums are the server's business. */
  value?: (metric: string, atMs: number, minutes: number) => number | null | undefined;
  /** Nodes of a cluster at a moment, by name, with `Ready`, `NotReady` or `Unknown`. */
  nodes?: (atMs: number) => Readonly<Record<string, string>>;
}

const GRAINS: Readonly<Record<string, number>> = { PT1M: 1, PT5M: 5, PT15M: 15, PT30M: 30, PT1H: 60 };
const NAMESPACES: Readonly<Record<string, readonly string[]>> = {
  'microsoft.containerregistry/registries': [
    'TotalPullCount',
    'SuccessfulPullCount',
    'TotalPushCount',
    'SuccessfulPushCount',
  ],
  'microsoft.containerservice/managedclusters': ['kube_node_status_condition'],
};
const BATCH_MAX = 50;
const MINUTE_MS = 60_000;

interface Asked {
  fromMs: number;
  toMs: number;
  stepMs: number;
  aggregation: string;
  filter: string | null;
  top: number;
}

export class MetricsServer extends VendorServer {
  resources: MeteredResource[] = [];
  /** Metrics that come with an error of their own inside a good answer. */
  readonly broken = new Map<string, { code: string; message: string }>();
  /** Ids, lower-cased, that the answer leaves out. */
  readonly leftOut = new Set<string>();
  token = ARM_TOKEN;

  constructor() {
    super((request) => this.#answer(request));
  }

  /** For `evidence.metricsUrl`. */
  get template(): string {
    return `${this.url}/{region}`;
  }

  #answer(request: VendorRequest): VendorAnswer {
    const url = new URL(request.path, this.url);
    if (request.headers['authorization'] !== `Bearer ${this.token}`)
      return error(401, 'Unauthorized', 'The access token is invalid or is for another audience.');
    const match = /^\/([a-z0-9]+)\/subscriptions\/([0-9a-f-]{36})\/metrics:getBatch$/.exec(
      decodeURIComponent(url.pathname),
    );
    if (request.method !== 'POST' || !match) return error(404, 'NotFound', 'no such operation');
    const [, region = '', subscription = ''] = match;
    const query = url.searchParams;
    if (query.get('api-version') !== '2024-02-01') return error(400, 'BadRequest', 'api-version is not supported');
    const { resourceids: ids = [] } = JSON.parse(request.body) as { resourceids?: string[] };
    if (ids.length === 0 || ids.length > BATCH_MAX) return error(400, 'BadRequest', 'between 1 and 50 resource ids');
    const namespace = query.get('metricnamespace') ?? '';
    const known = NAMESPACES[namespace.toLowerCase()];
    const metrics = (query.get('metricnames') ?? '').split(',');
    const unknown = metrics.find((name) => known?.includes(name) !== true);
    if (unknown !== undefined) return error(400, 'BadRequest', `metric ${unknown} is not of namespace ${namespace}`);
    const minutes = GRAINS[query.get('interval') ?? ''];
    const [fromMs, toMs] = [Date.parse(query.get('starttime') ?? ''), Date.parse(query.get('endtime') ?? '')];
    if (minutes === undefined || !(fromMs < toMs)) return error(400, 'BadRequest', 'interval, starttime or endtime');
    const stray = ids.find((id) => !isOf(id, { subscription, namespace }));
    if (stray !== undefined) return error(400, 'BadRequest', `${stray} is of another subscription or type`);
    const filter = query.get('filter');
    if (filter === null && query.get('top') !== null) return error(400, 'BadRequest', 'top needs a filter');
    const asked: Asked = {
      fromMs,
      toMs,
      stepMs: minutes * MINUTE_MS,
      aggregation: query.get('aggregation') ?? 'average',
      filter,
      top: Number(query.get('top') ?? 10),
    };
    const found = ids.map((id) => this.resources.find((one) => one.id.toLowerCase() === id.toLowerCase()));
    const elsewhere = found.find((one) => one !== undefined && one.region !== region);
    if (elsewhere) return error(400, 'BadRequest', `${elsewhere.id} is in ${elsewhere.region}, not in ${region}`);
    const values = found
      .filter((one) => one !== undefined && !this.leftOut.has(one.id.toLowerCase()))
      .map((one) => this.#result(one!, { asked, metrics, namespace, interval: query.get('interval')! }));
    return { status: 200, body: { values } };
  }

  #result(
    resource: MeteredResource,
    { asked, metrics, namespace, interval }: { asked: Asked; metrics: string[]; namespace: string; interval: string },
  ): Record<string, unknown> {
    return {
      starttime: new Date(asked.fromMs).toISOString(),
      endtime: new Date(asked.toMs).toISOString(),
      interval,
      namespace,
      resourceregion: resource.region,
      resourceid: resource.id,
      value: metrics.map((name) => {
        const fault = this.broken.get(name);
        return {
          id: `${resource.id}/providers/Microsoft.Insights/metrics/${name}`,
          type: 'Microsoft.Insights/metrics',
          name: { value: name, localizedValue: name },
          displayDescription: name,
          unit: 'Count',
          timeseries: fault
            ? []
            : resource.nodes
              ? nodeSeries(resource.nodes, asked)
              : [countSeries(resource, name, asked)],
          ...(fault ? { errorCode: fault.code, errorMessage: fault.message } : { errorCode: 'Success' }),
        };
      }),
    };
  }
}

/** Sums of what happened in each step, as far as it is known. */
function countSeries({ value }: MeteredResource, name: string, asked: Asked): Record<string, unknown> {
  const data: Record<string, unknown>[] = [];
  for (let atMs = asked.fromMs; atMs < asked.toMs; atMs += asked.stepMs) {
    const timeStamp = new Date(atMs).toISOString();
    const known = value?.(name, atMs, asked.stepMs / MINUTE_MS);
    if (known === undefined) continue;
    data.push(known === null ? { timeStamp } : { timeStamp, [asked.aggregation]: known * (asked.stepMs / MINUTE_MS) });
  }
  return { metadatavalues: [], data };
}

/** One series per node and state, as a filter over both asks for; without one, a single series that tells nothing. */
function nodeSeries(nodes: NonNullable<MeteredResource['nodes']>, asked: Asked): Record<string, unknown>[] {
  if (!/condition eq 'Ready'/.test(asked.filter ?? '') || !/node eq '\*'/.test(asked.filter ?? '')) return [];
  const series = new Map<string, Record<string, unknown>[]>();
  for (let atMs = asked.fromMs; atMs < asked.toMs; atMs += asked.stepMs)
    for (const [node, status] of Object.entries(nodes(atMs)))
      series.set(`${node}\n${status}`, [
        ...(series.get(`${node}\n${status}`) ?? []),
        { timeStamp: new Date(atMs).toISOString(), [asked.aggregation]: 1 },
      ]);
  return [...series].slice(0, asked.top).map(([key, data]) => {
    const [node, status] = key.split('\n');
    const named = (name: string, value?: string) => ({ name: { value: name, localizedValue: name }, value });
    return { metadatavalues: [named('condition', 'Ready'), named('status2', status), named('node', node)], data };
  });
}

function isOf(id: string, { subscription, namespace }: { subscription: string; namespace: string }): boolean {
  const text = id.toLowerCase();
  return text.startsWith(`/subscriptions/${subscription}/`) && text.includes(`/providers/${namespace.toLowerCase()}/`);
}

function error(status: number, code: string, message: string): VendorAnswer {
  return { status, body: { error: { code, message } } };
}
