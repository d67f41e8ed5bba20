/** What the Helm chart renders: pods that are hardened, probed and found by what leads to them, with an environment and a config that the relay takes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StatefulSet } from 'kubernetes-types/apps/v1.js';
import type { PodSpec, Probe, Service } from 'kubernetes-types/core/v1.js';
import { describe, expect, test } from 'vitest';
import { adapters } from '#src/app.ts';
import { readEnvironment } from '#src/config/env.ts';
import { loadConfig } from '#src/config/load.ts';
import {
  allOf,
  CHART,
  containerOf,
  helm,
  helmMissing,
  merged,
  podOf,
  render,
  RELAY_YAML,
  REQUIRED,
  VALUE_SETS,
  workloadOf,
  workloads,
  type KubernetesObject,
  type Workload,
} from '#test/support/helm.ts';

const missing = helmMissing();
const ROOT = join(import.meta.dirname, '../../..');
/** As long as helm takes them. */
const LONG_RELEASE = `relay-${'x'.repeat(46)}y`;
/** What the Secrets of an installation bring: the variables of {@link RELAY_YAML}, and where the stores are. */
const SECRETS = {
  DATABASE_URL: 'postgresql://id-relay@db.example/relay?sslmode=verify-full',
  REDIS_URL: 'rediss://cache.example:6380',
  RECEIVER_TOKEN: 'receiver-token-0000001',
  API_TOKEN: 'operate-token-00000001',
  EVENT_HUBS_NAMESPACE: 'contoso.servicebus.windows.net',
  PAGERDUTY_ROUTING_KEY: '0123456789abcdef0123456789abcdef',
  TEAMS_WEBHOOK_URL:
    'https://x.environment.api.powerplatform.com/powerautomate/automations/direct/workflows/abc/triggers/manual/paths/invoke?sig=signature-1',
};

const environmentOf = (workload: Workload): Record<string, string> =>
  Object.fromEntries((containerOf(workload).env ?? []).map(({ name, value }) => [name, value ?? SECRETS.REDIS_URL]));
/** What the process sees: what the container names wins over what comes whole from Secrets. */
const taken = (workload: Workload): Record<string, string> => ({ ...SECRETS, ...environmentOf(workload) });
const labelsOf = (workload: Workload): Record<string, string> => workload.spec!.template.metadata!.labels!;
const selects = (selector: Record<string, string>, labels: Record<string, string>): boolean =>
  Object.entries(selector).every(([name, value]) => labels[name] === value);
const selectorOf = (object: KubernetesObject): Record<string, string> =>
  (object.spec['selector'] as { matchLabels: Record<string, string> }).matchLabels;
const numberIn = (file: string, name: string): number => {
  const [, digits] = new RegExp(`const ${name} = ([\\d_]+);`).exec(readFileSync(join(ROOT, file), 'utf8')) ?? [];
  return Number(digits?.replaceAll('_', ''));
};

describe.skipIf(missing !== null).each(Object.entries(VALUE_SETS))(
  `the chart with %s${missing === null ? '' : ` (skipped: ${missing})`}`,
  (_, values) => {
    const objects = missing === null ? render(values) : [];
    const all = workloads(objects);
    const api = workloadOf(objects, 'api')!;
    const service = allOf<Service & KubernetesObject>(objects, 'Service')[0]!;
    const pods: [string, PodSpec][] = [
      ...all.map((workload): [string, PodSpec] => [workload.metadata.name, podOf(workload)]),
      ...allOf<KubernetesObject & { spec: PodSpec }>(objects, 'Pod').map((pod): [string, PodSpec] => [
        'test',
        pod.spec,
      ]),
    ];

    test('passes the strict linter', () => {
      expect(() => helm(['lint', '--strict', CHART, '--values', '-'], merged(REQUIRED, values))).not.toThrow();
    });

    test('has names that Kubernetes takes, also under the longest name of a release', () => {
      for (const { kind, metadata } of render(values, { release: LONG_RELEASE })) {
        // A StatefulSet appends a dash and ten characters to its name for a label of its pods.
        const most = kind === 'StatefulSet' ? 63 - 11 : 63;
        expect(metadata.name.length, `${kind} ${metadata.name}`).toBeLessThanOrEqual(most);
        expect(metadata.name).toMatch(/^[a-z][-a-z0-9]*[a-z0-9]$/);
        for (const value of Object.values(metadata.labels)) expect(value).toMatch(/^[\w.-]{1,63}$/);
      }
      const keys = objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`);
      expect(new Set(keys).size).toBe(keys.length);
      expect(objects.filter(({ metadata }) => metadata.namespace !== undefined)).toEqual([]);
    });

    test('hardens every pod', () => {
      expect(pods.length).toBe(all.length + 1);
      for (const [name, pod] of pods) {
        expect(pod, name).toMatchObject({
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
        });
        expect(pod.containers.length).toBe(1);
        const [{ securityContext, resources, image } = {} as PodSpec['containers'][0]] = pod.containers;
        expect(securityContext, name).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
        expect(Object.keys(resources!.requests!).sort()).toEqual(['cpu', 'memory']);
        expect(resources!.limits!['memory']).toBeDefined();
        expect(image).toMatch(/^registry\.example\/health-relay(:\d+\.\d+\.\d+|@sha256:[0-9a-f]{64})$/);
      }
      expect(new Set(pods.map(([, pod]) => pod.containers[0]!.image)).size).toBe(1);
    });

    test('probes routes that the relay has, at the port that it listens on', () => {
      const routes = readFileSync(join(ROOT, 'src/api/status.ts'), 'utf8');
      for (const workload of all) {
        const { ports, startupProbe, livenessProbe, readinessProbe } = containerOf(workload);
        expect(ports).toEqual([{ name: 'http', containerPort: Number(environmentOf(workload)['PORT']) }]);
        for (const probe of [startupProbe, livenessProbe, readinessProbe] as Probe[]) {
          expect(probe.httpGet!.port).toBe('http');
          expect(routes).toContain(`app.get('${probe.httpGet!.path}'`);
        }
        // What depends on Postgres may restart nothing.
        expect(livenessProbe!.httpGet!.path).toBe('/livez');
        expect(startupProbe!.httpGet!.path).toBe('/livez');
        expect(startupProbe!.periodSeconds! * startupProbe!.failureThreshold!).toBeGreaterThanOrEqual(120);
      }
      // Nor may it take all pods that Azure calls out of the service at once.
      expect(containerOf(api).readinessProbe!.httpGet!.path).toBe('/livez');
    });

    test('gives the relay time to end, and an api the time to leave the load balancers before', () => {
      const stopMs = numberIn('src/process.ts', 'STOP_LIMIT_MS');
      expect(stopMs).toBeGreaterThan(0);
      for (const workload of all) {
        const { lifecycle } = containerOf(workload);
        const sleepS = lifecycle?.preStop?.sleep?.seconds ?? 0;
        expect(sleepS > 0).toBe(workload === api);
        expect(podOf(workload).terminationGracePeriodSeconds! - sleepS).toBeGreaterThan(stopMs / 1000);
      }
    });

    test('is found by its service, its budgets and the rest', () => {
      for (const workload of all) {
        expect(selects(selectorOf(workload as never), labelsOf(workload))).toBe(true);
        expect(all.filter((other) => selects(selectorOf(workload as never), labelsOf(other)))).toEqual([workload]);
      }
      const called = all.filter((workload) => selects(service.spec.selector!, labelsOf(workload)));
      expect(called).toEqual([api]);
      expect(service.spec.ports!.map(({ targetPort }) => targetPort)).toEqual(['http']);
      const tested = allOf(objects, 'Pod')[0]!;
      expect(selects(service.spec.selector!, tested.metadata.labels)).toBe(false);
      const budgets = allOf(objects, 'PodDisruptionBudget').map((budget) => {
        expect(budget.spec).toMatchObject({ maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow' });
        return all.filter((workload) => selects(selectorOf(budget), labelsOf(workload)));
      });
      expect(budgets).toEqual(all.map((workload) => [workload]).sort(([one]) => (one === api ? -1 : 1)));
      for (const monitor of allOf(objects, 'PodMonitor'))
        expect(all.every((workload) => selects(selectorOf(monitor), labelsOf(workload)))).toBe(true);
      for (const { spec } of allOf(objects, 'ScaledObject'))
        expect(spec['scaleTargetRef']).toEqual({ name: workloadOf(objects, 'worker')!.metadata.name });
      for (const { spec } of allOf(objects, 'Ingress'))
        expect(JSON.stringify(spec)).toContain(`"service":{"name":"${service.metadata.name}","port":{"name":"http"}}`);
    });

    test('sets variables that the relay reads, and it takes them', () => {
      const roles = all.map((workload) => {
        const read = new Set<string>();
        const watched = new Proxy(taken(workload), { get: (from, name: string) => (read.add(name), from[name]) });
        const result = readEnvironment(watched);
        expect(result).toMatchObject({ ok: true, value: { host: '0.0.0.0' } });
        expect(Object.keys(environmentOf(workload)).filter((name) => !read.has(name))).toEqual([]);
        return result.ok ? result.value.role : '';
      });
      expect(roles.sort()).toEqual(values['roles'] === 'all' ? ['all'] : ['api', 'worker']);
    });

    test('spools in the api only, and only on a volume that outlives the pod', () => {
      const spools = (values['spool'] as { enabled?: boolean } | undefined)?.enabled !== false;
      for (const workload of all) {
        const result = readEnvironment(taken(workload));
        const spoolDir = result.ok ? result.value.spoolDir : 'not read';
        const mount = containerOf(workload).volumeMounts!.find(({ mountPath }) => mountPath === spoolDir);
        const own = (workload as StatefulSet).spec!.volumeClaimTemplates ?? [];
        const durable = [
          ...own.map(({ metadata }) => metadata!.name),
          ...podOf(workload).volumes!.flatMap(({ name, persistentVolumeClaim: claim }) => (claim ? [name] : [])),
        ];
        const spooling = spools && workload === api;
        expect(mount?.name).toBe(spooling ? 'spool' : undefined);
        expect(durable).toEqual(spooling ? ['spool'] : []);
        if (!spooling) expect(spoolDir).toBeNull();
      }
    });

    test('gives api and worker the same config and the same secrets, in a folder that follows changes', () => {
      const sources = all.map((workload) => {
        const { envFrom, volumeMounts } = containerOf(workload);
        const folder = volumeMounts!.find(({ name }) => name === 'config')!;
        // Kubernetes never updates a file that is mounted by its subPath.
        expect(folder).toEqual({ name: 'config', mountPath: '/etc/relay', readOnly: true });
        expect(environmentOf(workload)['RELAY_CONFIG']).toBe(`${folder.mountPath}/relay.yaml`);
        const { name: _name, ...source } = podOf(workload).volumes!.find(({ name }) => name === 'config')!;
        return { source, envFrom };
      });
      expect(new Set(sources.map((source) => JSON.stringify(source))).size).toBe(1);
      const secrets = (values['secrets'] ?? []) as string[];
      expect(sources[0]!.envFrom ?? []).toEqual(secrets.map((name) => ({ secretRef: { name } })));
      const [configMap] = allOf(objects, 'ConfigMap');
      const { text } = merged(REQUIRED, values)['config'] as { text: string };
      expect(configMap?.data).toEqual(text === '' ? undefined : { 'relay.yaml': RELAY_YAML });
      if (configMap === undefined) return expect(JSON.stringify(sources[0]!.source)).toContain('"relay-config"');
      expect(sources[0]!.source).toEqual({ configMap: { name: configMap.metadata.name } });
      const file = environmentOf(api)['RELAY_CONFIG']!;
      const loaded = loadConfig(configMap.data!['relay.yaml']!, { file, env: SECRETS, adapters });
      expect(loaded.ok ? [] : loaded.faults).toEqual([]);
    });

    test('is rolled without a gap where pods can be added, and keeps what a volume holds where they cannot', () => {
      for (const workload of all) {
        if (workload.kind === 'Deployment') {
          expect((workload.spec as { strategy?: unknown }).strategy).toEqual({
            type: 'RollingUpdate',
            rollingUpdate: { maxUnavailable: 0, maxSurge: 1 },
          });
        } else {
          expect(workload.spec).toMatchObject({
            podManagementPolicy: 'Parallel',
            persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
            serviceName: service.metadata.name,
          });
        }
        const spread = podOf(workload).topologySpreadConstraints!;
        expect(spread.map(({ topologyKey }) => topologyKey)).toContain('topology.kubernetes.io/zone');
        for (const { labelSelector } of spread)
          expect(selects(labelSelector!.matchLabels!, labelsOf(workload))).toBe(true);
      }
    });
  },
);
