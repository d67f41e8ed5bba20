/**
 * What evidence asks of Log Analytics (azure-signals 7.2): requests of registries by region and answer, and pods that
 * cannot get their image. Every table is optional: a workspace holds what its diagnostic settings send.
 */
import type { PodRow, RegistryRow } from '#src/core/evidence-rows.ts';
import { safeLine } from '#src/core/safe.ts';
import { GRAIN_MS, type Windows } from '#src/core/evidence-window.ts';
import { textOf, type Fields } from './fields.ts';

/** A query names at most this many resources; its text must stay readable for people. */
export const LOGS_BATCH_MAX = 50;

const OPERATIONS: Readonly<Record<string, RegistryRow['operation']>> = { pull: 'pull', push: 'push', login: 'login' };

/** Requests by registry, region, operation and answer. */
export function registryQuery(ids: readonly string[], windows: Windows): string {
  return `union isfuzzy=true withsource=Origin ContainerRegistryRepositoryEvents, ContainerRegistryLoginEvents
| where ${timeOf(windows)}
| extend resource = tolower(_ResourceId)
| where resource in (${list(ids)})
| extend operation = iff(Origin has 'Login', 'login', tolower(OperationName))
| where operation in ('pull', 'push', 'login')
| summarize requests = count() by at = ${binOf(windows)}, resource, region = column_ifexists('Region', ''), operation, code = tostring(ResultDescription)`;
}

/** Pods of clusters, and those of them whose image cannot be pulled. */
export function clusterPodQuery(ids: readonly string[], windows: Windows): string {
  return `KubePodInventory
| where ${timeOf(windows)}
| extend resource = tolower(ClusterId)
| where resource in (${list(ids)})
| summarize pods = dcount(PodUid), failed = dcountif(PodUid, ContainerStatusReason in ('ImagePullBackOff', 'ErrImagePull')) by at = ${binOf(windows)}, resource`;
}

/** Pods of any cluster that cannot pull from these registries, by the registry's name. */
export function registryPodQuery(names: readonly string[], windows: Windows): string {
  return `KubeEvents
| where ${timeOf(windows)}
| where Reason in ('Failed', 'BackOff') and Message has 'azurecr'
| extend resource = tolower(extract(@'([a-zA-Z0-9]+)\\.azurecr\\.', 1, Message))
| where resource in (${list(names)})
| summarize failed = dcount(strcat(ClusterName, '/', Namespace, '/', Name)) by at = ${binOf(windows)}, resource`;
}

/** Rows of {@link registryQuery}; what is no request is left out. */
export function registryRows(rows: readonly Fields[]): RegistryRow[] {
  return rows.flatMap((row): RegistryRow[] => {
    const [resource, operation] = [textOf(row, 'resource'), OPERATIONS[textOf(row, 'operation')?.toLowerCase() ?? '']];
    const [atMs, count] = [msOf(row['at']), numberOf(row['requests'])];
    if (resource === null || operation === undefined || atMs === null || count === null) return [];
    const [region, code] = [textOf(row, 'region') ?? '', textOf(row, 'code') ?? ''].map((text) => safeLine(text, 100));
    return [{ resource: resource.toLowerCase(), atMs, region: region!, operation, code: code!, count }];
  });
}

/** Rows of both queries for pods. */
export function podRows(rows: readonly Fields[]): PodRow[] {
  return rows.flatMap((row): PodRow[] => {
    const [resource, atMs, failed] = [textOf(row, 'resource'), msOf(row['at']), numberOf(row['failed'])];
    if (resource === null || atMs === null || failed === null) return [];
    return [{ resource: resource.toLowerCase(), atMs, pods: numberOf(row['pods']), failed }];
  });
}

function timeOf({ before, during }: Windows): string {
  return `TimeGenerated >= datetime(${before.from}) and TimeGenerated < datetime(${during.to})`;
}

/** Bins begin where the window does, as our own points do. */
function binOf({ before, grain }: Windows): string {
  return `bin_at(TimeGenerated, ${GRAIN_MS[grain] / 60_000}m, datetime(${before.from}))`;
}

/** Ids are ours and lower-cased ARM ids; whatever else stands in one does not end the text. */
function list(values: readonly string[]): string {
  return values.map((value) => `'${value.replaceAll(/['\\\r\n]/g, '')}'`).join(', ');
}

function msOf(value: unknown): number | null {
  const ms = value instanceof Date ? value.getTime() : typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isFinite(ms) ? ms : null;
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
