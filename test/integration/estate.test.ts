/** Did it hit us, and who owns it: exact owners on an estate of 500 subscriptions, and everyone where that is unknown. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ARM_TOKEN, ArmServer } from '#test/support/azure/arm-server.ts';
import { makeEstate, TEAMS, type KnownResource } from '#test/support/azure/estate.ts';
import { pushOf, recordOf } from '#test/support/azure/push.ts';
import { serviceHealth, subscriptionId } from '#test/support/fixtures.ts';
import { openStores, startRelay, type Stores, type TestRelay } from '#test/support/relay.ts';
import { WebhookServer } from '#test/support/vendors/webhook.ts';

const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';
const { subscriptions, resources, known } = makeEstate();

let stores: Stores;
let arm: ArmServer;
let hook: WebhookServer;
let relay: TestRelay | null = null;

beforeAll(async () => void (stores = await openStores('postgres')));
afterAll(() => stores.stop());
beforeEach(async () => {
  [arm, hook] = await Promise.all([new ArmServer().start(), new WebhookServer(SECRET).start()]);
  Object.assign(arm, { subscriptions, resources, pageSize: 90 });
});
afterEach(async () => {
  await relay?.stop();
  relay = null;
  await Promise.all([arm.stop(), hook.stop()]);
});

async function start(sections: string, { owners = 'default: [platform]' } = {}): Promise<void> {
  const destinations = [...TEAMS, 'platform', 'archive'].map(
    (name) => `  ${name}: { type: webhook, url: "${hook.url}/${name}", secret: "${SECRET}" }`,
  );
  relay = await startRelay(
    stores,
    `${sections}
owners: { tag: owner, ${owners} }
destinations:
${destinations.join('\n')}
routes:
${ROUTES}`,
  );
}

const AZURE = (): string => `azure: { armUrl: "${arm.url}", accessToken: ${ARM_TOKEN} }`;
const ROUTES = `  - { match: { kind: outage, estate: hit }, to: [owners] }
  - { match: {}, to: [archive] }
`;

const estate = async () => (await relay!.get('/v1/estate')).json.estate;
const estateKnown = () => expect.poll(async () => (await estate()).known).toBe(true);
const impactOf = async (trackingId: string) => (await relay!.get(`/v1/incidents/${trackingId}/impact`)).json.impact;

async function outage(trackingId: string, impacts: Record<string, string[]>, subscription = 1): Promise<void> {
  const body = serviceHealth({ trackingId, communication: 1, stage: 'Active', subscription });
  // oxlint-disable-next-line typescript/no-explicit-any -- foreign JSON, changed by path
  const { properties } = (body as any).data.context.activityLog;
  properties.impactedServices = JSON.stringify(
    Object.entries(impacts).map(([ServiceName, names]) => ({
      ServiceName,
      ImpactedRegions: names.map((RegionName) => ({ RegionName })),
    })),
  );
  expect((await relay!.post(body)).status).toBe(202);
}

async function told(trackingId: string): Promise<string[]> {
  const { deliveries } = (await relay!.get(`/v1/incidents/${trackingId}/deliveries`)).json;
  return deliveries.map((one: { destination: string }) => one.destination).sort();
}

/** Judged by hand, from what the test itself made up. */
function ownersOf(hit: (resource: KnownResource) => boolean): string[] {
  return [...new Set(known.filter(hit).map((resource) => resource.owner ?? 'platform')), 'archive'].sort();
}

const EVERYONE = [...TEAMS, 'platform', 'archive'].sort();

const ACR = 'Container Registry';
const AKS = 'Azure Kubernetes Service (AKS)';

describe('500 subscriptions, 120 registries, 80 clusters', () => {
  test('exactly the owners of what is hit are told, for five outages of different shape', async () => {
    expect(known.filter((one) => one.kind === 'registry' && one.regions.length > 1)).toHaveLength(30);
    await start(AZURE());
    await estateKnown();
    expect((await estate()).counts).toEqual({ registries: 120, clusters: 80, subscriptions: 500 });

    const registryIn = (region: string) => (one: KnownResource) =>
      one.kind === 'registry' && one.regions.includes(region);
    const clusterIn = (region: string) => (one: KnownResource) =>
      one.kind === 'cluster' && one.regions.includes(region);

    // 1. A region with homes and replicas. 2. Clusters in two regions. 3. Pairs that must not be crossed.
    await outage('SHAP-001', { [ACR]: ['West Europe'] });
    await outage('SHAP-002', { [AKS]: ['East US', 'North Europe'] });
    await outage('SHAP-003', { [ACR]: ['Southeast Asia'], [AKS]: ['West US 3'] });
    // 4. Everywhere. 5. Nothing of ours: the service we do not have, and a region we are not in.
    await outage('SHAP-004', { [ACR]: ['Global'] });
    await outage('SHAP-005', { 'Virtual Machines': ['West Europe'], [ACR]: ['Brazil South'] });

    expect(await told('SHAP-001')).toEqual(ownersOf(registryIn('westeurope')));
    expect(await told('SHAP-002')).toEqual(
      ownersOf((one) => clusterIn('eastus')(one) || clusterIn('northeurope')(one)),
    );
    expect(await told('SHAP-003')).toEqual(
      ownersOf((one) => registryIn('southeastasia')(one) || clusterIn('westus3')(one)),
    );
    expect(await told('SHAP-004')).toEqual(ownersOf((one) => one.kind === 'registry'));
    expect(await told('SHAP-005')).toEqual(['archive']);
    // The shapes are different: a test in which everyone is always told would prove nothing.
    expect(
      new Set(
        await Promise.all(['SHAP-001', 'SHAP-002', 'SHAP-003', 'SHAP-005'].map(async (id) => (await told(id)).join())),
      ).size,
    ).toBeGreaterThan(2);

    const impact = await impactOf('SHAP-003');
    const expected = known
      .filter((one) => registryIn('southeastasia')(one) || clusterIn('westus3')(one))
      .map((one) => one.id);
    expect(impact.hits.map((hit: { id: string }) => hit.id)).toEqual(expected.sort());
    expect(
      impact.hits
        .filter((hit: { kind: string }) => hit.kind === 'registry')
        .every((hit: { by: string[] }) => hit.by.join() === 'replica'),
    ).toBe(true);
    await relay!.level('SHAP-003', (await told('SHAP-003')).length);
    const message = hook.requests.find((request) => request.path === '/archive' && request.body.includes('SHAP-003'));
    expect(JSON.parse(message!.body).data.incident.details['Our resources']).toMatch(
      /^\d+ registries \(\d+ by a replica only\), \d+ clusters: /,
    );
  });

  test("Azure's own list stands beside ours, adds its owners later, and pages nobody twice", async () => {
    await start(`${AZURE()}
backfill: { every: 300ms }`);
    await estateKnown();
    const [mine, theirs] = ['payments', 'search'].map((owner) =>
      known.find((one) => one.owner === owner && one.kind === 'registry' && !one.regions.includes('brazilsouth'))!,
    );
    const listed = {
      trackingId: 'LIST-006',
      type: 'microsoft.containerregistry/registries',
      subscription: theirs!.id.split('/')[2]!,
    };
    await outage('LIST-006', { [ACR]: ['Brazil South'] });
    expect(await told('LIST-006')).toEqual(['archive']);
    arm.events = [recordOf({ trackingId: 'OTHR-000', subscriptions: [], minutesAgo: [5] })];
    arm.listed = [
      { ...listed, resource: theirs!.id, status: 'Confirmed' },
      {
        ...listed,
        resource: '/subscriptions/x/resourceGroups/y/providers/Microsoft.ContainerRegistry/registries/strange',
        status: 'Potential',
      },
    ];
    await expect.poll(() => told('LIST-006')).toEqual(['archive', 'search']);
    // The two resources of the list may come in with two rounds.
    await expect
      .poll(() => impactOf('LIST-006'))
      .toMatchObject({
        azureOnly: [{ resource: expect.stringContaining('strange'), status: 'Potential' }],
        hits: [{ id: theirs!.id, by: ['named'], azure: 'confirmed', destinations: ['search'] }],
      });
    expect(mine!.id).not.toBe(theirs!.id);
    await relay!.level('LIST-006', 2);
    expect(
      hook.events
        .filter((event) => event.body.data.incident.headline.includes('LIST-006'))
        .map((event) => event.body.type),
    ).toEqual(['incident.opened', 'incident.opened']);
  });
});

test("Azure's own list without Resource Graph: a subscription that has the event no more hides no other's", async () => {
  arm.forbidden.add('graph');
  const [gone, listing] = [subscriptionId(1), subscriptionId(2)];
  await start(`azure: { armUrl: "${arm.url}", accessToken: ${ARM_TOKEN}, subscriptions: ["${gone}", "${listing}"] }
backfill: { every: 300ms, grace: 1ms }
estate: { enabled: false }`);
  arm.events = [recordOf({ trackingId: 'LIST-007', subscriptions: [listing], minutesAgo: [5] })];
  arm.listed = [
    {
      trackingId: 'LIST-007',
      type: 'microsoft.containerregistry/registries',
      subscription: listing,
      resource: known[0]!.id,
      status: 'Confirmed',
    },
  ];
  const record = arm.events[0]!;
  await relay!.post(pushOf(record, 1, { subscription: gone, stage: 'Active' }));
  await expect
    .poll(async () => (await relay!.get('/v1/incidents/LIST-007')).json?.incident.resources)
    .toEqual([known[0]!.id]);
});

test('an estate that shrinks to nothing is not believed at once: who is hit is told, and the part is degraded', async () => {
  await start(`${AZURE()}
estate: { every: 300ms }`);
  await estateKnown();
  arm.resources = [];
  const part = async () =>
    (await relay!.get('/readyz')).json.parts.find((one: { name: string }) => one.name === 'estate');
  // Readings are looked at every 15 s; a reload of the config looks at once.
  await expect
    .poll(async () => (relay!.app.config.replace(relay!.app.config.current()), await part()), {
      timeout: 30_000,
      interval: 400,
    })
    .toMatchObject({ status: 'degraded', detail: expect.stringContaining('lists none of the 200 registries') });
  expect(await estate()).toMatchObject({ known: true, counts: { registries: 120, clusters: 80 } });
  await outage('GONE-012', { [ACR]: ['West Europe'] });
  expect(await told('GONE-012')).toEqual(
    ownersOf((one) => one.kind === 'registry' && one.regions.includes('westeurope')),
  );
});

describe('an open incident', () => {
  test('gets the owner of a resource that comes to light later, who is opened once', async () => {
    await start(`${AZURE()}
estate: { every: 1s }`);
    await estateKnown();
    await outage('GROW-011', { [ACR]: ['Brazil South'] });
    expect(await told('GROW-011')).toEqual(['archive']);
    arm.resources = [
      ...resources,
      {
        id: `/subscriptions/${subscriptionId(3)}/resourceGroups/new/providers/Microsoft.ContainerRegistry/registries/acrnew`,
        type: 'microsoft.containerregistry/registries',
        location: 'brazilsouth',
        tags: { OWNER: 'Fraud' },
      },
    ];
    // Readings are looked at every 15 s; a reload of the config looks at once.
    await expect
      .poll(async () => (relay!.app.config.replace(relay!.app.config.current()), await told('GROW-011')), {
        timeout: 30_000,
        interval: 400,
      })
      .toEqual(['archive', 'fraud']);
    await relay!.level('GROW-011', 2);
    // By message, however often it was sent.
    const heard = hook.requests.filter((request) => request.body.includes('GROW-011'));
    const paths = new Map(heard.map((request) => [request.headers['webhook-id'], request.path]));
    expect([...paths.values()].sort()).toEqual(['/archive', '/fraud']);
  });
});

describe('where the estate is unknown, everyone that the routes name is told, and told why', () => {
  test('Resource Graph refuses us', async () => {
    arm.forbidden.add('graph');
    await start(AZURE());
    await expect
      .poll(async () => (await relay!.get('/readyz')).json.parts)
      .toContainEqual({ name: 'estate', status: 'degraded', detail: expect.stringContaining('403') });
    await outage('DARK-007', { [ACR]: ['Brazil South'] });
    expect(await told('DARK-007')).toEqual(EVERYONE);
    const { timeline } = (await relay!.get('/v1/incidents/DARK-007/timeline')).json;
    expect(timeline).toContainEqual(
      expect.objectContaining({
        kind: 'decision',
        summary: expect.stringContaining('everyone that the routes name is told'),
      }),
    );
    await relay!.level('DARK-007', EVERYONE.length);
    expect(hook.requests[0]!.body).toContain('unknown: the estate has not been read yet');
  });

  test('a subscription that the estate does not cover', async () => {
    await start(AZURE());
    await estateKnown();
    await outage('NEWS-008', { [ACR]: ['Brazil South'] }, 777);
    expect(await told('NEWS-008')).toEqual(EVERYONE);
  });

  test('a file that has grown stale, until it is written anew', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'relay-estate-'));
    const file = join(folder, 'estate.json');
    const content = (at: string): string =>
      JSON.stringify({
        at,
        subscriptions: [{ id: subscriptionId(1) }],
        registries: [
          {
            id: `/subscriptions/${subscriptionId(1)}/resourceGroups/a/providers/Microsoft.ContainerRegistry/registries/acrone`,
            region: 'eastus',
            replicas: ['westeurope'],
            tags: { owner: 'media' },
          },
        ],
      });
    writeFileSync(file, content('2026-01-01T00:00:00Z'));
    const owners = 'destinations: { Media: media, search: [search, mobile] }, default: [platform]';
    await start(`estate: { file: "${file}", staleAfter: 1h }`, { owners });
    await expect.poll(estate).toMatchObject({ known: false, unknown: expect.stringContaining('stale') });
    await outage('STAL-009', { [ACR]: ['West Europe'] });
    // The map of owners says who they can be.
    expect(await told('STAL-009')).toEqual(['archive', 'media', 'mobile', 'platform', 'search']);
    expect(await impactOf('STAL-009')).toMatchObject({
      known: false,
      unknown: expect.stringContaining('stale'),
      hits: [{ name: 'acrone', by: ['replica'] }],
    });
    writeFileSync(file, content(new Date().toISOString()).replace('acrone', 'acrtwo'));
    relay!.app.config.replace(relay!.app.config.current());
    await expect.poll(estate).toMatchObject({ known: true, resources: [{ name: 'acrtwo', owner: 'media' }] });
    await outage('FRSH-010', { [ACR]: ['West Europe'] });
    expect(await told('FRSH-010')).toEqual(['archive', 'media']);
    rmSync(folder, { recursive: true });
  });
});
