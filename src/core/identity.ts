/**
 * What makes signals the same incident (design sections 2 and 6): built from the source's own ids only, never from text
 * meant for people. Ids of Azure compare without case, so identities are lower-case throughout.
 */
import { hashParts, sha256Hex } from './fingerprint.ts';
import { safeText, utf8Bytes } from './safe.ts';

const IDENTITY_BYTES_MAX = 200;

/** `sh/<tracking id>`. Any non-empty id is taken: the documents show GUIDs and placeholders too (azure-signals 1.3). */
export function serviceHealthIdentity(trackingId: string): string {
  return bounded('sh', trackingId);
}

/** For a Service Health event that names no tracking ID: a hash of what stays the same over its posts. */
export function namelessHealthIdentity(stable: readonly (string | null)[]): string {
  return `sh/unnamed-${hashParts(stable).slice(0, 32)}`;
}

/** `rh/<resource id>`: no id of Azure ties the end to the beginning, so the resource does (azure-signals 2). */
export function resourceHealthIdentity(resourceId: string): string {
  return bounded('rh', resourceId.replace(/^\//, ''));
}

/** What ties the messages of one alert together; names of dimensions and labels may come in any order and case. */
export interface AlertKey {
  ruleId: string | null;
  alertId: string | null;
  targets: readonly string[];
  /** Dimensions or labels. */
  labels: readonly (readonly [string, string])[];
  /** Taken where there is neither rule id nor alert id. */
  stable: readonly (string | null)[];
}

/** Rule, targets and labels, so that repeats and their end meet; else the alert's id (azure-signals 8). */
export function alertIdentity(key: AlertKey): string {
  if (key.ruleId === null)
    return key.alertId === null ? `alert/${hashParts(key.stable)}` : bounded('alert', lastSegment(key.alertId));
  const targets = [...new Set(key.targets.map((target) => target.toLowerCase()))].sort();
  const labels = key.labels.map(([name, value]) => `${name.toLowerCase()}=${value}`).sort();
  return `alert/${hashParts([key.ruleId.toLowerCase(), ...targets, '', ...labels]).slice(0, 40)}`;
}

/** Started and Succeeded of one operation share its correlation id; the resource and the operation keep neighbours apart. */
export function changeIdentity(resourceId: string, operation: string, correlationId: string): string {
  return bounded('change', `${resourceId.replace(/^\//, '')}/${operation}/${correlationId}`);
}

/** One rolling upgrade after the other of the same pool of the same cluster. */
export function nodePoolIdentity(clusterId: string, pool: string): string {
  return bounded('aks', `${clusterId.replace(/^\//, '')}/nodepool/${pool}`);
}

/** End of support of one Kubernetes version on one cluster. */
export function clusterSupportIdentity(clusterId: string, version: string): string {
  return bounded('aks', `${clusterId.replace(/^\//, '')}/support/${version}`);
}

/** Unknown bodies are folded by who sent them and what they look like, so that a changed schema is one notification. */
export function unrecognisedIdentity(source: string, shapeHash: string): string {
  return bounded('unrecognised', `${source}/${shapeHash.slice(0, 32)}`);
}

function lastSegment(alertId: string): string {
  return alertId.split('/').findLast((segment) => segment !== '') ?? alertId;
}

/** Lower-cased and at most 200 bytes: a longer rest is replaced by its hash. */
function bounded(prefix: string, rest: string): string {
  const identity = `${prefix}/${safeText(rest.trim().toLowerCase())}`;
  return utf8Bytes(identity) <= IDENTITY_BYTES_MAX ? identity : `${prefix}/${sha256Hex(identity)}`;
}
