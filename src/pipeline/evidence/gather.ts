/** Asks metrics and logs about the resources that an incident hits. What cannot be read is a reason, never an error. */
import {
  clusterPodQuery,
  LOGS_BATCH_MAX,
  podRows,
  registryPodQuery,
  registryQuery,
  registryRows,
} from '#src/azure/evidence-queries.ts';
import type { Fields } from '#src/azure/fields.ts';
import { openLogs, type LogsReader } from '#src/azure/logs.ts';
import { METRIC_BATCH_MAX, openMetrics, type MetricsReader } from '#src/azure/metrics.ts';
import type { SdkOptions } from '#src/azure/sdk-transport.ts';
import { AzureError, BudgetError } from '#src/azure/session.ts';
import type { EvidenceConfig } from '#src/config/types.ts';
import { safeLine } from '#src/core/safe.ts';
import { foldName, type EstateResource, type Hit } from '#src/core/estate.ts';
import { NODE_FILTER, NODE_METRIC, REGISTRY_METRICS, type MetricSeries } from '#src/core/evidence-metrics.ts';
import { LOG_GRAIN, type ResourceFacts, type Told } from '#src/core/evidence-resource.ts';
import type { PodRow, RegistryRow } from '#src/core/evidence-rows.ts';
import { coarser, type Windows } from '#src/core/evidence-window.ts';

/** Of every node of a cluster comes a series: five clusters of a hundred nodes are some megabytes. */
const CLUSTER_BATCH_MAX = 5;
const NODE_SERIES_MAX = 1000;
const BUDGET_WORDS = 'the calls of this round are used up';
const MAY_PASS = /could not be read \((?:408|429|5\d\d|no answer|the time for this round)|in part only/;

export interface GatherOptions {
  config: EvidenceConfig;
  metrics: SdkOptions;
  logs: SdkOptions;
}

export interface Gathered extends Pick<ResourceFacts, 'metrics' | 'requests' | 'pods'> {
  /** The budget was used up before all was asked: its turn comes in the next round, first of all. */
  skipped: boolean;
  /** Something was not answered that may be the next time: throttled, late, in part. */
  failed: boolean;
}

/** By resource id. `hits` in the order in which they are to be asked, should the budget not be enough for all. */
export async function gather(
  hits: readonly Hit[],
  windows: Windows,
  options: GatherOptions,
): Promise<Map<string, Gathered>> {
  const resources = hits.map((hit) => hit.resource);
  const logs =
    options.config.workspaces.length > 0 ? await readLogs(resources, coarser(windows, LOG_GRAIN), options) : null;
  // After the logs: those take few calls for all, metrics one for each subscription and region.
  const metrics = options.config.metrics ? await readMetrics(resources, windows, options) : null;
  return new Map(
    resources.map(({ id }) => {
      const told = {
        metrics: metrics?.get(id) ?? null,
        requests: logs?.requests.get(id) ?? null,
        pods: logs?.pods.get(id) ?? null,
      };
      const faults = Object.values(told).map((one) => one?.fault ?? '');
      const skipped = faults.some((fault) => fault.includes(BUDGET_WORDS));
      const failed = faults.some((fault) => MAY_PASS.test(fault));
      return [id, { ...told, skipped, failed }];
    }),
  );
}

type ToldMetrics = Pick<Told<MetricSeries>, 'rows' | 'fault'>;

async function readMetrics(
  resources: readonly EstateResource[],
  windows: Windows,
  { config, metrics }: GatherOptions,
): Promise<Map<string, ToldMetrics>> {
  const found = new Map<string, ToldMetrics>();
  let reader: MetricsReader | null = null;
  for (const group of groupsOf(resources)) {
    let told: { series: MetricSeries[]; fault: string | null };
    try {
      reader ??= await openMetrics(config.metricsUrl, config.metricsScope, metrics);
      told = { series: await reader.read(requestFor(group, windows)), fault: null };
    } catch (error) {
      told = { series: [], fault: faultOf('metrics', error) };
    }
    const byId = Map.groupBy(told.series, (series) => series.resource);
    for (const { id } of group) {
      const rows = byId.get(id) ?? [];
      const fault = told.fault ?? (rows.length === 0 ? 'Azure left it out of its answer about metrics' : null);
      found.set(id, { rows, fault });
    }
  }
  return found;
}

/** One call takes resources of one kind, subscription and region. The order of first sight stays. */
function groupsOf(resources: readonly EstateResource[]): EstateResource[][] {
  const groups = Map.groupBy(
    resources,
    ({ kind, subscription, region }) => `${kind}\n${subscription}\n${foldName(region)}`,
  );
  return [...groups.values()].flatMap((group) =>
    chunks(group, group[0]!.kind === 'registry' ? METRIC_BATCH_MAX : CLUSTER_BATCH_MAX),
  );
}

function requestFor(group: readonly EstateResource[], windows: Windows): Parameters<MetricsReader['read']>[0] {
  const { kind, region } = group[0]!;
  const place = { resources: group.map((resource) => resource.id), region: foldName(region) };
  const span = { from: windows.before.from, to: windows.during.to };
  if (kind === 'registry') {
    const namespace = 'Microsoft.ContainerRegistry/registries';
    return { ...place, ...span, namespace, metrics: REGISTRY_METRICS, aggregation: 'total', grain: windows.grain };
  }
  return {
    ...place,
    ...span,
    namespace: 'Microsoft.ContainerService/managedClusters',
    metrics: [NODE_METRIC],
    aggregation: 'average',
    grain: coarser(windows, LOG_GRAIN).grain,
    filter: NODE_FILTER,
    seriesMax: NODE_SERIES_MAX,
  };
}

interface ToldLogs {
  requests: Map<string, Told<RegistryRow>>;
  pods: Map<string, Told<PodRow>>;
}

async function readLogs(
  resources: readonly EstateResource[],
  windows: Windows,
  { config, logs }: GatherOptions,
): Promise<ToldLogs> {
  const found: ToldLogs = { requests: new Map(), pods: new Map() };
  const span = { from: windows.before.from, to: windows.during.to };
  let reader: LogsReader | null = null;
  async function ask(text: string): Promise<{ rows: Fields[]; fault: string | null }> {
    const rows: Fields[] = [];
    const faults: string[] = [];
    for (const workspace of config.workspaces) {
      try {
        reader ??= await openLogs(config.logsUrl, config.logsScope, logs);
        const answer = await reader.query(workspace, text, span);
        rows.push(...answer.rows);
        if (answer.partial !== null) faults.push(`logs came in part only (${safeLine(answer.partial, 200)})`);
      } catch (error) {
        const fault = faultOf('logs', error);
        // Whoever watches no cluster there has no such table, and a workspace without it has no rows.
        if (!/\b(?:SEM0100|Failed to resolve table)\b/i.test(fault)) faults.push(fault);
      }
    }
    return { rows, fault: faults.length === 0 ? null : [...new Set(faults)].join('; ') };
  }
  const registries = resources.filter((resource) => resource.kind === 'registry');
  for (const some of chunks(registries, LOGS_BATCH_MAX)) {
    const { rows, fault } = await ask(
      registryQuery(
        some.map(({ id }) => id),
        windows,
      ),
    );
    const events = Map.groupBy(registryRows(rows), (row) => row.resource);
    const asked = await ask(
      registryPodQuery(
        some.map(({ name }) => name.toLowerCase()),
        windows,
      ),
    );
    const pods = Map.groupBy(podRows(asked.rows), (row) => row.resource);
    for (const { id, name } of some) {
      found.requests.set(id, { rows: events.get(id) ?? [], fault, query: registryQuery([id], windows) });
      const query = registryPodQuery([name.toLowerCase()], windows);
      found.pods.set(id, { rows: pods.get(name.toLowerCase()) ?? [], fault: asked.fault, query });
    }
  }
  const clusters = resources.filter((resource) => resource.kind === 'cluster');
  for (const some of chunks(clusters, LOGS_BATCH_MAX)) {
    const { rows, fault } = await ask(
      clusterPodQuery(
        some.map(({ id }) => id),
        windows,
      ),
    );
    const pods = Map.groupBy(podRows(rows), (row) => row.resource);
    for (const { id } of some)
      found.pods.set(id, { rows: pods.get(id) ?? [], fault, query: clusterPodQuery([id], windows) });
  }
  return found;
}

/** A bug in reading is one as well, and ends as unknown like the rest: evidence must not fail loudly in an outage. */
function faultOf(what: string, error: unknown): string {
  if (error instanceof BudgetError) return `${what} were not asked: ${BUDGET_WORDS} (evidence.maxCalls)`;
  const words = error instanceof AzureError ? error.message : `${(error as Error).name}: ${(error as Error).message}`;
  return `${what} could not be read (${safeLine(words, 200)})`;
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
