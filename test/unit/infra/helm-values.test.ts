/** The values of the Helm chart: what is refused, what an upgrade leaves alone, what is taken from elsewhere in the repository, what its README says. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
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
  type Values,
} from '#test/support/helm.ts';

const missing = helmMissing();
const version = missing === null ? helm(['version', '--template', '{{.Version}}']) : '';
const ROOT = join(import.meta.dirname, '../../..');
const inRoot = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const inChart = (path: string): string => readFileSync(join(CHART, path), 'utf8');
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'relay-chart-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Paths of all values that are no maps, or empty ones: `image.repository` -> `''`. */
function leaves(values: Values, path = ''): [string, unknown][] {
  return Object.entries(values).flatMap(([name, value]): [string, unknown][] => {
    const isMap = typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
    return isMap ? leaves(value as Values, `${path}${name}.`) : [[`${path}${name}`, value]];
  });
}

describe('the files of the chart', () => {
  const values = parse(inChart('values.yaml')) as Values;

  test('have the version of the relay, which is the tag of its image', () => {
    const { version } = JSON.parse(inRoot('package.json')) as { version: string };
    expect(parse(inChart('Chart.yaml'))).toMatchObject({ appVersion: version });
  });

  test('tell every value in the README, with its default, and none that is not there', () => {
    const told = [...inChart('README.md').matchAll(/^\| `([\w.]+)` \| (?:`([^`]*)`)? *\|/gm)].map(([, name, value]) => [
      name,
      parse(value ?? "''") as unknown,
    ]);
    const kept = leaves(values).map(([path, value]) => [path.replace(/\.resources\..*/, '.resources'), value] as const);
    const whole = Object.entries({ 'api.resources': 'api', 'worker.resources': 'worker' }).map(([path, component]) => [
      path,
      (values[component] as Values)['resources'],
    ]);
    const expected = new Map<unknown, unknown>([...kept, ...(whole as [string, unknown][])]);
    expect(told.length).toBeGreaterThan(40);
    expect(new Map(told as [unknown, unknown][])).toEqual(expected);
  });

  test('describe every value in the schema, which knows no others', () => {
    type Schema = { properties?: Record<string, Schema>; additionalProperties?: unknown; $ref?: string };
    const known = (schema: Schema, path: string): string[] =>
      schema.properties === undefined
        ? [path]
        : Object.entries(schema.properties).flatMap(([name, one]) => {
            expect(schema.additionalProperties, path).toBe(false);
            return known(one, path === '' ? name : `${path}.${name}`);
          });
    const schema = known(JSON.parse(inChart('values.schema.json')) as Schema, '');
    const have = leaves(values).map(([path]) => path.replace(/\.resources\..*/, '.resources'));
    // `global` comes from a parent chart; the parameters of `connection` are KEDA's.
    const beside = schema.filter((path) => path !== 'global' && !path.startsWith('worker.autoscaling.connection.'));
    expect(new Set([...beside, 'worker.autoscaling.connection'])).toEqual(new Set(have));
  });

  test('link the alert rules of the relay and have no copy of them', () => {
    expect(inChart('files/rules.yaml')).toBe(inRoot('infra/alerting/relay/rules.yaml'));
    expect(
      spawnSync('readlink', [join(CHART, 'files/rules.yaml')])
        .stdout.toString()
        .trim(),
    ).toMatch(/^\.\.\//);
  });
});

describe.skipIf(missing !== null)(`helm${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  test.each<[string, Values, RegExp]>([
    ['an unknown value', { replicas: 3 }, /replicas'? (is )?not allowed/],
    ['an unknown value further down', { api: { replica: 3 } }, /replica'? (is )?not allowed/],
    ['no image', { image: { repository: '' } }, /image\.repository/],
    ['the tag latest', { image: { tag: 'latest' } }, /image.tag/],
    ['a tag in the name of the image', { image: { repository: 'r.io/relay:1' } }, /image.repository/],
    ['half a digest', { image: { digest: 'sha256:abc' } }, /image.digest/],
    ['no config', { config: { text: '' } }, /exactly one/],
    ['two configs', { config: { existingSecret: 'other' } }, /exactly one/],
    ['no replica', { worker: { replicas: 0 } }, /worker.replicas/],
    ['more api pods than the spool has slots', { api: { replicas: 33 } }, /api.replicas/],
    ['a role that is none', { roles: 'api' }, /roles/],
    ['a variable that the chart sets', { env: [{ name: 'RELAY_ROLE', value: 'all' }] }, /env.0.name/],
    ['a number where a variable wants text', { env: [{ name: 'LOG_LEVEL', value: 1 }] }, /env.0.value/],
    ['a secret with its content', { secrets: [{ DATABASE_URL: 'postgres://' }] }, /secrets.0/],
    ['a label that selectors need', { podLabels: { 'app.kubernetes.io/name': 'x' } }, /app\.kubernetes\.io\/name/],
    ['workers without a worker', { roles: 'all', worker: { autoscaling: { enabled: true } } }, /roles: all/],
    ['KEDA with half an address', { worker: { autoscaling: { connection: { host: 'db' } } } }, /connection/],
    ['an ingress without its host', { ingress: { enabled: true } }, /ingress\.host/],
    [
      'a token of metrics without its key',
      { podMonitor: { enabled: true, tokenSecret: { name: 'x' } } },
      /tokenSecret/,
    ],
  ])('refuses %s', (_, values, reason) => {
    expect(() => render(values)).toThrow(reason);
  });

  // Helm 3 asks a cluster for its version first.
  test.skipIf(!version.startsWith('v4'))('shows the next steps, and what a choice costs (needs Helm 4)', () => {
    const notes = (values: Values): string =>
      helm(
        ['install', 'prod', CHART, '--namespace', 'relay', '--dry-run=client', '--values', '-'],
        merged(REQUIRED, values),
      ).split('\nNOTES:\n')[1]!;
    expect(notes({ ingress: { enabled: true, host: 'relay.example.com' } })).toContain(
      'https://relay.example.com/v1/receivers/azure-monitor?token=',
    );
    expect(notes({ spool: { enabled: false }, api: { replicas: 1 } })).toMatch(/no spool[\s\S]*One api pod/);
    expect(notes({}).split('\n').length).toBeLessThan(8);
  });

  test('an upgrade of chart and image changes nothing that Kubernetes holds for unchangeable, and in the pods only the image', () => {
    helm(['package', CHART, '--destination', folder, '--version', '9.8.7', '--app-version', '9.8.7']);
    const next = join(folder, 'health-relay-9.8.7.tgz');
    for (const values of Object.values(VALUE_SETS)) {
      const [before, after] = [render(values), render(values, { chart: next })].map((objects) =>
        workloads(objects).map((workload) => {
          const container = containerOf(workload);
          container.image = container.image!.replace(/:[\d.]+$/, ':x');
          return { kind: workload.kind, name: workload.metadata.name, spec: workload.spec };
        }),
      );
      expect(after).toEqual(before);
    }
    const api = workloadOf(render({}, { chart: next }), 'api')!;
    expect(containerOf(api).image).toMatch(/:9\.8\.7$/);
    expect(api.metadata.labels).toMatchObject({ 'helm.sh/chart': 'health-relay-9.8.7' });
  });

  test('a changed config restarts the pods only where that is asked for', () => {
    const text = RELAY_YAML.replace('relayId: health-relay', 'relayId: other');
    const pods = (config: Values): string =>
      JSON.stringify(workloads(render({ config })).map(({ spec }) => spec!.template));
    expect(pods({ text })).toBe(pods({}));
    expect(pods({ text, restartOnChange: true })).not.toBe(pods({ restartOnChange: true }));
    expect(pods({ restartOnChange: true })).toBe(pods({ restartOnChange: true }));
  });

  test('the identity reaches account and pods, and neither mounts a token of Kubernetes', () => {
    const objects = render({ workloadIdentity: { clientId: '00000000-0000-0000-0000-00000000000a' } });
    const [account] = allOf<KubernetesObject & { automountServiceAccountToken: boolean }>(objects, 'ServiceAccount');
    expect(account).toMatchObject({
      metadata: { annotations: { 'azure.workload.identity/client-id': '00000000-0000-0000-0000-00000000000a' } },
      automountServiceAccountToken: false,
    });
    for (const workload of workloads(objects)) {
      expect(podOf(workload).serviceAccountName).toBe(account!.metadata.name);
      expect(workload.spec!.template.metadata!.labels).toMatchObject({ 'azure.workload.identity/use': 'true' });
    }
    expect(JSON.stringify(render({}))).not.toContain('azure.workload.identity');
  });

  test('KEDA asks what the Bicep asks, leaves the replicas to itself, and shares its pool with nobody', () => {
    const objects = render({ worker: { autoscaling: { enabled: true } } });
    const [{ spec }] = allOf(objects, 'ScaledObject') as [KubernetesObject];
    const [{ metadata }] = spec['triggers'] as [{ metadata: Record<string, string> }];
    const [, query = ''] = /query: '(.+)'\n/.exec(inRoot('infra/bicep/app.bicep')) ?? [];
    expect(metadata['query']).toBe(query.replaceAll("\\'", "'"));
    expect(metadata).toMatchObject({ connectionFromEnv: 'DATABASE_URL', host: 'relay', dbName: 'prod-health-relay' });
    expect(spec['minReplicaCount']).toBeGreaterThan(0);
    expect(workloadOf(objects, 'worker')!.spec).not.toHaveProperty('replicas');
  });

  test('the alert rules arrive whole, and lead to the runbooks', () => {
    const groups = (runbooksUrl: string): unknown =>
      allOf(render({ prometheusRule: { enabled: true, runbooksUrl } }), 'PrometheusRule')[0]!.spec;
    const rules = inRoot('infra/alerting/relay/rules.yaml');
    expect(groups('')).toEqual(parse(rules));
    expect(groups('https://wiki.example')).toEqual(parse(rules.replaceAll('docs/runbooks/', 'https://wiki.example/')));
  });

  test('the test of a release ends with 0 where /readyz says 200, and with 1 where it says 503 or nothing', async () => {
    let status = 200;
    const server = createServer((_, answer) => void answer.writeHead(status).end('{"status":"degraded"}'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const [pod] = allOf<KubernetesObject & { spec: { containers: { command: string[] }[] } }>(render({}), 'Pod');
    const [, ...args] = pod!.spec.containers[0]!.command;
    const url = new URL(args.pop()!);
    expect(url.href).toBe('http://prod-health-relay/readyz');
    url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const code = (): Promise<unknown> =>
      new Promise((resolve) => spawn(process.execPath, [...args, url.href]).once('exit', resolve));
    expect(await code()).toBe(0);
    status = 503;
    expect(await code()).toBe(1);
    await new Promise((resolve) => server.close(resolve));
    expect(await code()).toBe(1);
  });

  describe('Kubernetes 1.30, by its types', () => {
    const TYPES: Record<string, string> = {
      ConfigMap: 'core/v1',
      Deployment: 'apps/v1',
      Ingress: 'networking/v1',
      NetworkPolicy: 'networking/v1',
      Pod: 'core/v1',
      PodDisruptionBudget: 'policy/v1',
      Service: 'core/v1',
      ServiceAccount: 'core/v1',
      StatefulSet: 'apps/v1',
    };
    const CUSTOM = ['PodMonitor', 'PrometheusRule', 'ScaledObject'];

    /** What the compiler says of the objects as literals, which may have no property that their type has not. */
    function faults(objects: readonly KubernetesObject[]): string {
      const typed = objects.filter(({ kind }) => !CUSTOM.includes(kind));
      const lines = typed.map((object, n) => {
        const type = `import('${ROOT}/node_modules/kubernetes-types/${TYPES[object.kind]}').${object.kind}`;
        return `export const object${n}: ${type} = ${JSON.stringify(object)};`;
      });
      const file = join(folder, 'objects.ts');
      writeFileSync(file, lines.join('\n'));
      const options = [
        '--ignoreConfig',
        '--noEmit',
        '--strict',
        '--skipLibCheck',
        '--module',
        'nodenext',
        '--types',
        '',
      ];
      const run = spawnSync(join(ROOT, 'node_modules/.bin/tsc'), [...options, file], { encoding: 'utf8' });
      return run.stdout + run.stderr;
    }

    test('takes every object of every set of values', () => {
      const objects = Object.values(VALUE_SETS).flatMap((values) => render(values));
      expect(objects.length).toBeGreaterThan(70);
      const kinds = new Set(objects.map(({ kind }) => kind));
      expect([...kinds].sort()).toEqual([...Object.keys(TYPES), ...CUSTOM].sort());
      expect(faults(objects)).toBe('');
    });

    test('would refuse a field that it does not know, and one of another type', () => {
      const [api] = allOf(render({}), 'StatefulSet') as [KubernetesObject];
      const text = JSON.stringify(api);
      expect(faults([JSON.parse(text.replace('"readinessProbe"', '"readynessProbe"')) as KubernetesObject])).toContain(
        'readynessProbe',
      );
      expect(faults([JSON.parse(text.replace('"seconds":10', '"seconds":"10"')) as KubernetesObject])).toContain(
        "'string' is not assignable to type 'number'",
      );
    });
  });
});
