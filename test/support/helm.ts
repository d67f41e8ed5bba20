/** The Helm chart of the relay, rendered by the real `helm`, or the reason why that cannot be done here. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Deployment, StatefulSet } from 'kubernetes-types/apps/v1.js';
import type { Container, PodSpec } from 'kubernetes-types/core/v1.js';
import { parseAllDocuments } from 'yaml';

const ROOT = join(import.meta.dirname, '../..');
export const CHART = join(ROOT, 'infra/helm/health-relay');
const HELM = process.env['HELM'] || 'helm';

/** A config as one deploys it: every secret is a variable. */
export const RELAY_YAML = readFileSync(join(ROOT, 'infra/bicep/relay-azure.yaml'), 'utf8');

/** Why the chart cannot be rendered here; null when it can. */
export function helmMissing(): string | null {
  return spawnSync(HELM, ['version']).status === 0 ? null : `no helm on PATH and none in HELM`;
}

export type Values = Record<string, unknown>;

/** What no installation can do without. */
export const REQUIRED: Values = {
  image: { repository: 'registry.example/health-relay' },
  config: { text: RELAY_YAML },
};

/** As different from each other as people will set them. */
export const VALUE_SETS: Record<string, Values> = {
  'the least': {},
  'everything on': {
    image: { tag: '2.3.4' },
    imagePullSecrets: [{ name: 'registry-login' }],
    config: { restartOnChange: true },
    secrets: ['relay-stores', 'relay-destinations'],
    env: [
      { name: 'DATABASE_AUTH', value: 'entra' },
      { name: 'REDIS_URL', valueFrom: { secretKeyRef: { name: 'redis', key: 'url' } } },
    ],
    workloadIdentity: { clientId: '00000000-0000-0000-0000-000000000001' },
    serviceAccount: { annotations: { team: 'platform' } },
    worker: { autoscaling: { enabled: true } },
    spool: { storageClassName: 'managed-csi-premium' },
    service: { annotations: { team: 'platform' } },
    ingress: {
      enabled: true,
      className: 'nginx',
      host: 'relay.example.com',
      paths: ['/v1/receivers', '/v1/callbacks'],
      tlsSecret: 'relay-tls',
      annotations: { team: 'platform' },
    },
    networkPolicy: {
      enabled: true,
      from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ingress' } } }],
    },
    podMonitor: { enabled: true, labels: { release: 'prometheus' }, tokenSecret: { name: 'metrics', key: 'token' } },
    prometheusRule: { enabled: true, labels: { release: 'prometheus' }, runbooksUrl: 'https://wiki.example/relay' },
    podAnnotations: { team: 'platform' },
    podLabels: { team: 'platform' },
    priorityClassName: 'important',
    nodeSelector: { pool: 'system' },
    tolerations: [{ key: 'CriticalAddonsOnly', operator: 'Exists' }],
    affinity: { podAntiAffinity: {} },
    extraVolumes: [{ name: 'vault', csi: { driver: 'secrets-store.csi.k8s.io', readOnly: true } }],
    extraVolumeMounts: [{ name: 'vault', mountPath: '/mnt/secrets', readOnly: true }],
  },
  'role all': { roles: 'all', api: { replicas: 3 } },
  'a digest': { image: { digest: `sha256:${'0123456789abcdef'.repeat(4)}` } },
  'a ConfigMap that is there': { config: { text: '', existingConfigMap: 'relay-config' } },
  'a Secret that is there': { config: { text: '', existingSecret: 'relay-config' } },
  'a shared spool': { spool: { existingClaim: 'spool-nfs' } },
  'no spool': { spool: { enabled: false }, roles: 'all', fullnameOverride: 'relay' },
  'KEDA with Entra': {
    worker: {
      replicas: 1,
      autoscaling: {
        enabled: true,
        authenticationRef: 'relay-keda',
        connection: { host: 'db', port: 5432, userName: 'id-relay', dbName: 'relay', sslmode: 'require' },
      },
    },
  },
};

export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; labels: Record<string, string>; annotations?: Record<string, string>; namespace?: string };
  // Narrowed by whoever looks at a kind.
  spec: Record<string, unknown>;
  data?: Record<string, string>;
}

export type Workload = (Deployment | StatefulSet) & {
  kind: 'Deployment' | 'StatefulSet';
  metadata: KubernetesObject['metadata'];
};

export interface RenderOptions {
  release?: string;
  /** Folder or archive. */
  chart?: string;
}

/** Objects that `helm template` makes of {@link REQUIRED} with `values` over it. Throws with helm's words when it refuses. */
export function render(values: Values, options: RenderOptions = {}): KubernetesObject[] {
  const { release = 'prod', chart = CHART } = options;
  const text = helm(['template', release, chart, '--namespace', 'relay', '--values', '-'], merged(REQUIRED, values));
  return parseAllDocuments(text).map((document) => {
    if (document.errors.length > 0) throw document.errors[0]!;
    return document.toJS() as KubernetesObject;
  });
}

/** Runs helm with `values` on its standard input; returns what it writes there. Throws with what it says of a fault. */
export function helm(args: readonly string[], values: Values = {}): string {
  const run = spawnSync(HELM, args, { encoding: 'utf8', input: JSON.stringify(values), timeout: 30_000 });
  if (run.error) throw run.error;
  if (run.status !== 0) throw new Error(run.stderr + run.stdout);
  return run.stdout;
}

/** As helm lays one file of values over another: maps are merged, everything else replaced. */
export function merged(below: Values, above: Values): Values {
  const both = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const under = both[key];
    both[key] = isMap(under) && isMap(value) ? merged(under, value) : value;
  }
  return both;
}

function isMap(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Those of a kind, typed as the caller knows them. */
export function allOf<T = KubernetesObject>(objects: readonly KubernetesObject[], kind: string): T[] {
  return objects.filter((object) => object.kind === kind) as T[];
}

/** Api, and worker where there is one. */
export function workloads(objects: readonly KubernetesObject[]): Workload[] {
  return objects.filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet') as unknown as Workload[];
}

/** The one with this component, or undefined. */
export function workloadOf(objects: readonly KubernetesObject[], component: 'api' | 'worker'): Workload | undefined {
  return workloads(objects).find(({ metadata }) => metadata.labels['app.kubernetes.io/component'] === component);
}

export function podOf(workload: Workload): PodSpec {
  return workload.spec!.template.spec!;
}

export function containerOf(workload: Workload): Container {
  return podOf(workload).containers[0]!;
}
