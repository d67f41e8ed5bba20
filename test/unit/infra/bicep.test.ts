import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { RelayDocument } from '#src/config/schema.ts';
import { checkBicep } from '../../../infra/check/check.ts';

const infra = fileURLToPath(new URL('../../../infra', import.meta.url));
const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** Copies a part of infra, changes one file and says what the check finds: `rule: message`. */
async function withFault(part: string, file: string, change: (text: string) => string): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'relay-bicep-'));
  folders.push(folder);
  cpSync(join(infra, part), folder, { recursive: true });
  const path = join(folder, file);
  const before = readFileSync(path, 'utf8');
  const after = change(before);
  expect(after, 'the fault was planted').not.toBe(before);
  writeFileSync(path, after);
  const { faults } = await checkBicep(folder);
  return faults.map(({ rule, message }) => `${rule}: ${message}`);
}

describe('the Bicep in infra', () => {
  test('parses and passes the lint, every file of it', async () => {
    const { files, faults } = await checkBicep(infra);
    expect(faults).toEqual([]);
    expect(files.length).toBeGreaterThan(20);
  });
});

describe('the alerting of one subscription', () => {
  const file = (name: string): string => readFileSync(join(infra, 'alerting', name), 'utf8');

  test('can send by event hub, and exports the health categories of the activity log there', () => {
    expect(file('action-group.bicep')).toMatch(
      /eventHubReceivers: empty\(eventHubsNamespace\) \? \[\] : \[hubReceiver\]/,
    );
    expect(file('activity-log-export.bicep')).toMatch(
      /targetScope = 'subscription'[^]+'ServiceHealth'[^]+'ResourceHealth'/,
    );
    expect(file('main.bicep')).toMatch(/module activityLogExport[^]+scope: subscription\(\)/);
  });
});

describe('the Bicep check', () => {
  test('finds a syntax error, with its line', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'relay-bicep-'));
    folders.push(folder);
    writeFileSync(join(folder, 'broken.bicep'), "param a string\n\nresource x 'A/b@2024-01-01' = {\n  name: 'x'\n");
    const { faults } = await checkBicep(folder);
    expect(faults.map(({ rule }) => rule)).toContain('syntax');
    expect(faults[0]!.line).toBeGreaterThanOrEqual(3);
  });

  test.each([
    [
      'an undeclared name',
      'alerting',
      'acr-metrics.bicep',
      ['severity: severity', 'severity: severty'],
      'names: severty is not declared',
    ],
    [
      'an unused parameter',
      'alerting',
      'acr-metrics.bicep',
      ['severity: severity', 'severity: 2'],
      'names: parameter severity is not used',
    ],
    [
      'an unknown function',
      'alerting',
      'acr-metrics.bicep',
      ['last(split', 'lst(split'],
      'names: unknown function lst',
    ],
    [
      'a missing module file',
      'alerting',
      'main.bicep',
      ["'acr-metrics.bicep'", "'acr-metric.bicep'"],
      'modules: module file acr-metric.bicep does not exist',
    ],
    [
      'a parameter that the module does not have',
      'alerting',
      'main.bicep',
      ['clusterId: clusterId', 'cluster: clusterId'],
      'modules: aks-metrics.bicep has no parameter cluster',
    ],
    [
      'a parameter that is not given',
      'alerting',
      'main.bicep',
      ['clusterId: clusterId', ''],
      'modules: parameter clusterId of aks-metrics.bicep is not given',
    ],
    [
      'an output that the module does not have',
      'bicep',
      'main.bicep',
      ['network.outputs.redisZoneId', 'network.outputs.zoneId'],
      'modules: module network has no output zoneId',
    ],
    [
      'a missing text file',
      'bicep',
      'main.bicep',
      ["'relay-azure.yaml'", "'relay-azur.yaml'"],
      'modules: file relay-azur.yaml does not exist',
    ],
    [
      'a parameter without a description',
      'alerting',
      'acr-metrics.bicep',
      ["@description('Resource id of the registry.')\n", ''],
      'habits: registryId has no description',
    ],
    [
      'a secret that is a plain parameter',
      'alerting',
      'action-group.bicep',
      ['@secure()\n', ''],
      'habits: webhookUrl holds a secret and is not @secure()',
    ],
    [
      'a property that stands twice',
      'bicep',
      'redis.bicep',
      ["evictionPolicy: 'NoEviction'", "evictionPolicy: 'NoEviction'\n    evictionPolicy: 'AllKeysLRU'"],
      'names: evictionPolicy stands twice in one object',
    ],
    [
      'a property that stands twice behind a variable, once in quotes',
      'bicep',
      'app.bicep',
      ['external: true', "external: true\n  'external': false"],
      'names: external stands twice in one object',
    ],
    [
      'a name that is declared twice',
      'bicep',
      'postgres.bicep',
      ["var databaseName = 'relay'", "var databaseName = 'relay'\nvar databaseName = 'other'"],
      'names: databaseName is declared twice',
    ],
    [
      'an output that is declared twice',
      'bicep',
      'redis.bicep',
      ['output port int', "output host string = name\n\n@description('x')\noutput port int"],
      'names: output host is declared twice',
    ],
    [
      'a parameter file that has fallen behind',
      'bicep',
      'main.bicep',
      ['param operatorEmail string', "param operatorEmail string\n\n@description('x')\nparam more string"],
      'parameters: more is not given',
    ],
  ] as const)('finds %s', async (_what, part, file, [from, to], expected) => {
    expect(await withFault(part, file, (text) => text.replace(from, to))).toContain(expected);
  });

  test.each([
    [
      'directly in the resource',
      'alerting/acr-metrics.bicep',
      'windowSize:',
      'windowsize:',
      /properties has no property windowsize$/,
    ],
    [
      'and says which required one it replaced',
      'alerting/acr-metrics.bicep',
      'windowSize:',
      'windowsize:',
      /properties lacks the required windowSize$/,
    ],
    [
      'in the items of a list',
      'bicep/network.bicep',
      'serviceName:',
      'service:',
      /delegations\[\]\.properties has no property service$/,
    ],
    [
      'behind a variable and a condition',
      'bicep/app.bicep',
      'external: true',
      'public: true',
      /configuration\.ingress has no property public$/,
    ],
    [
      'behind a loop and a concat',
      'bicep/app.bicep',
      'keyVaultUrl:',
      'vaultUrl:',
      /configuration\.secrets\[\] has no property vaultUrl$/,
    ],
    [
      'inside a union',
      'alerting/action-group.bicep',
      'useAadAuth:',
      'useEntra:',
      /webhookReceivers\[\] has no property useEntra$/,
    ],
  ] as const)('finds an unknown property %s', async (_where, path, from, to, expected) => {
    const [part, file] = path.split('/') as [string, string];
    const found = await withFault(part, file, (text) => text.replace(from, to));
    expect(found.filter((line) => expected.test(line))).not.toEqual([]);
  });

  test('refuses a resource type that it has no snapshot of, rather than passing it unread', async () => {
    const found = await withFault('bicep', 'identity.bicep', (text) =>
      text.replace('userAssignedIdentities@2024-11-30', 'userAssignedIdentities@2099-01-01'),
    );
    expect(found).toContain(
      'properties: types.json does not have Microsoft.ManagedIdentity/userAssignedIdentities@2099-01-01',
    );
  });
});

describe('relay-azure.yaml', () => {
  const text = readFileSync(join(infra, 'bicep/relay-azure.yaml'), 'utf8');

  test('is a config that the relay takes', () => {
    const document: unknown = parse(text.replaceAll(/\$\{\w+\}/g, 'contoso.value.for.this'));
    expect(RelayDocument.safeParse(document).error?.issues).toBeUndefined();
  });

  test('has the canary enter by every receiver, the event hub included, where the identity may send', () => {
    const { canary, receivers } = parse(text) as {
      canary: { receivers?: string[]; hubs?: Record<string, string> };
      receivers: { eventHubs: { name: string }[] };
    };
    expect(canary.receivers, 'unset: by all').toBeUndefined();
    expect(canary.hubs).toEqual(Object.fromEntries(receivers.eventHubs.map(({ name }) => [name, 'identity'])));
    const hubs = readFileSync(join(infra, 'bicep/event-hubs.bicep'), 'utf8');
    for (const role of ['dataReceiverRoleId', 'dataSenderRoleId'])
      expect(hubs).toMatch(new RegExp(`scope: hub\\n[^]*'Microsoft\\.Authorization/roleDefinitions', ${role}\\)`));
  });

  test('uses only variables that the deployment sets', () => {
    const { parameters } = JSON.parse(readFileSync(join(infra, 'bicep/main.parameters.json'), 'utf8')) as {
      parameters: { secretVariables: { value: { variable: string }[] } };
    };
    const fromVault = parameters.secretVariables.value.map(({ variable }) => variable);
    const app = readFileSync(join(infra, 'bicep/app.bicep'), 'utf8');
    const plain = [...app.matchAll(/name: '([A-Z_]+)'\n\s+value:/g)].map(([, name]) => name!);
    const code = text.replaceAll(/^\s*#.*$/gm, '');
    const used = [...code.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name!);
    expect(used.length).toBeGreaterThan(3);
    expect(used.filter((name) => !fromVault.includes(name) && !plain.includes(name))).toEqual([]);
    expect(
      fromVault.filter((name) => !used.includes(name)),
      'every secret of the vault is used',
    ).toEqual([]);
  });
});

describe('the probes of the apps', () => {
  const app = readFileSync(join(infra, 'bicep/app.bicep'), 'utf8');
  /** Path of each probe, by its type. */
  const probes = Object.fromEntries(
    [...app.matchAll(/type: '(Startup|Liveness|Readiness)'\n\s+httpGet: \{\n\s+path: (.+)\n/g)].map(
      ([, type, path]) => [type, path],
    ),
  );

  test('leave the api behind the ingress while neither Postgres nor the spool takes a signal: it pages directly', () => {
    expect(probes).toEqual({ Startup: "'/livez'", Liveness: "'/livez'", Readiness: 'readinessPath' });
    const [, ofApi, ofWorker] = /var readinessPath = isApi \? '([^']+)' : '([^']+)'/.exec(app)!;
    expect({ ofApi, ofWorker }).toEqual({ ofApi: '/livez', ofWorker: '/readyz' });
    expect(app).toContain("var isApi = role == 'api'");
  });

  test('are those of the Helm chart', () => {
    const chart = readFileSync(join(infra, 'helm/health-relay/templates/_pod.tpl'), 'utf8');
    const [api, worker] = chart.split('{{- if $isApi }}\n').at(-1)!.split('{{- else }}') as [string, string];
    const [inApi, inWorker] = [api, worker].map(
      (part) => /readinessProbe:\n\s+httpGet: \{ path: (\S+),/.exec(part)?.[1],
    );
    expect(app).toContain(`isApi ? '${inApi}' : '${inWorker}'`);
  });
});

describe('what the deployment may not give up', () => {
  const file = (name: string): string => readFileSync(join(infra, 'bicep', name), 'utf8');

  test.each([
    ['api', 2],
    ['worker', 1],
  ])('the %s always runs with %i at least', (role, least) => {
    const [module] = new RegExp(`^module ${role} 'app\\.bicep'[^]+?^}`, 'm').exec(file('main.bicep'))!;
    expect(module).toContain(`role: '${role}'`);
    expect(module).toContain(`minReplicas: ${least}\n`);
    expect(file('app.bicep')).toMatch(/scale: \{\n\s+minReplicas: minReplicas\n/);
  });

  test('Redis throws nothing away and is not sharded', () => {
    expect(file('redis.bicep')).toMatch(/clusteringPolicy: 'NoCluster'[^]+evictionPolicy: 'NoEviction'/);
  });

  test('only the identity signs in to the stores', () => {
    expect(file('postgres.bicep')).toMatch(/activeDirectoryAuth: 'Enabled'\s+passwordAuth: 'Disabled'/);
    expect(file('redis.bicep')).toContain("accessKeysAuthentication: 'Disabled'");
  });
});

describe('the scaler of the worker', () => {
  test('asks for columns that the migrations make', () => {
    const app = readFileSync(join(infra, 'bicep/app.bicep'), 'utf8');
    const query = /query: '((?:[^'\\]|\\.)*)'/.exec(app)![1]!.replaceAll("\\'", "'");
    const migration = readFileSync(new URL('../../../src/db/migrations/0001_foundation.sql', import.meta.url), 'utf8');
    const table = /create table deliveries \(([\s\S]*?)\n\);/.exec(migration)![1]!;
    const columns = [...table.matchAll(/^ {2}([a-z_]+) [a-z]/gm)].map(([, name]) => name!);
    expect(query).toMatch(/^select count\(\*\) from deliveries where /);
    const asked = [
      ...query
        .split(' where ')[1]!
        .replaceAll(/'[^']*'/g, '')
        .matchAll(/\b[a-z_]+\b(?!\()/g),
    ]
      .map(([word]) => word)
      .filter((word) => !['and', 'in'].includes(word));
    expect(asked).toEqual(['next_attempt_at', 'state']);
    expect(asked.filter((column) => !columns.includes(column))).toEqual([]);
  });
});
