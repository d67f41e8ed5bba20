/** Azure Monitor metrics of many resources at once, through `@azure/monitor-query-metrics`; the only file that knows it (azure-local 3). */
import type { MetricsQueryResult } from '@azure/monitor-query-metrics';
import type { MetricSeries } from '#src/core/evidence-metrics.ts';
import type { Grain } from '#src/core/evidence-window.ts';
import { safeLine, safeText } from '#src/core/safe.ts';
import { asAzureError, sdkTarget, type SdkOptions } from './sdk-transport.ts';

/** The service takes at most 50 resources a call, all of one subscription, region and type. */
export const METRIC_BATCH_MAX = 50;

export interface MetricsRequest {
  /** Lower-cased ids of one subscription, region and type; at most {@link METRIC_BATCH_MAX}. */
  resources: readonly string[];
  /** Folded name: `westeurope`. */
  region: string;
  namespace: string;
  metrics: readonly string[];
  aggregation: 'total' | 'average';
  grain: Grain;
  /** ISO 8601 UTC. */
  from: string;
  to: string;
  filter?: string;
  /** Series per resource, where there is a filter. */
  seriesMax?: number;
}

export interface MetricsReader {
  /** Rejects with AzureError. A resource that the answer leaves out has no series. */
  read(request: MetricsRequest): Promise<MetricSeries[]>;
}

/** `urlTemplate` holds `{region}` where the data plane has an address per region. The library is loaded here (32 MB). */
export async function openMetrics(urlTemplate: string, scope: string, options: SdkOptions): Promise<MetricsReader> {
  const { MetricsClient } = await import('@azure/monitor-query-metrics');
  return {
    async read(request) {
      const { endpoint, credential, ...target } = sdkTarget(
        urlTemplate.replaceAll('{region}', request.region),
        options,
      );
      // Left to itself the client asks for a token of Resource Manager, which is another audience.
      const client = new MetricsClient(endpoint, credential, { ...target, credentials: { scopes: [scope] } });
      try {
        const results = await client.queryResources([...request.resources], [...request.metrics], request.namespace, {
          startTime: new Date(request.from),
          endTime: new Date(request.to),
          interval: request.grain,
          aggregation: request.aggregation,
          ...(request.filter === undefined ? {} : { filter: request.filter, top: request.seriesMax ?? 10 }),
        });
        return results.flatMap((result) => seriesOf(result, request.aggregation));
      } catch (error) {
        throw asAzureError(error);
      }
    },
  };
}

function seriesOf(result: MetricsQueryResult, aggregation: 'total' | 'average'): MetricSeries[] {
  const resource = (result.resourceId ?? '').toLowerCase();
  return result.metrics.flatMap((metric): MetricSeries[] => {
    const { name, errorCode, errorMessage } = metric;
    if (errorCode !== undefined && errorCode !== 'Success') {
      const fault = `Azure could not tell ${name} (${errorCode}${errorMessage ? `: ${safeLine(errorMessage, 150)}` : ''})`;
      return [{ resource, metric: name, dimensions: {}, points: [], fault }];
    }
    return metric.timeseries.map(({ metadatavalues = [], data = [] }) => ({
      resource,
      metric: name,
      dimensions: Object.fromEntries(
        metadatavalues.map(({ name: key, value }) => [
          nameOf(key).toLowerCase(),
          safeText((value ?? '').toLowerCase()),
        ]),
      ),
      points: data.map((point) => ({ atMs: new Date(point.timeStamp).getTime(), value: point[aggregation] ?? null })),
      fault: null,
    }));
  });
}

/** The service sends `{ value, localizedValue }`, and the client says it is a text. */
function nameOf(name: unknown): string {
  if (typeof name === 'string') return name;
  const { value } = (name ?? {}) as { value?: unknown };
  return typeof value === 'string' ? value : '';
}
