/** The exporter of Azure Monitor takes the spans of our SDK: proven to a local ingestion endpoint, over TLS as it insists. */
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CERTIFICATE } from '#test/support/event-hubs/certificate.ts';
import { serviceHealth } from '#test/support/fixtures.ts';
import { openStores, startRelay, type Stores } from '#test/support/relay.ts';
import { PagerDutyServer } from '#test/support/vendors/pagerduty.ts';

interface Envelope {
  name: string;
  iKey: string;
  tags: Record<string, string>;
  data: {
    baseType: string;
    baseData: { id: string; name: string; success: boolean; resultCode?: string; target?: string };
  };
}

const KEY = '11111111-2222-4333-8444-555555555555';
const usual = getCACertificates('default');
let stores: Stores;
let pager: PagerDutyServer;
let server: Server;
const envelopes: Envelope[] = [];
let mode: 'take' | 'hang' = 'take';
let hung = 0;
let hanging = 0;

beforeAll(async () => {
  setDefaultCACertificates([...usual, CERTIFICATE.cert]);
  stores = await openStores('postgres');
  pager = await new PagerDutyServer().start();
  server = createServer(CERTIFICATE, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (mode === 'hang') {
        hung++;
        hanging++;
        response.once('close', () => hanging--);
        return;
      }
      const body = Buffer.concat(chunks);
      const plain = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
      const taken = request.url === '/v2.1/track' ? (JSON.parse(plain.toString()) as Envelope[]) : [];
      envelopes.push(...taken);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ itemsReceived: taken.length, itemsAccepted: taken.length, errors: [] }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await pager.stop();
  await stores.stop();
  setDefaultCACertificates(usual);
});

const environment = async (exportMs = 1_000): Promise<Record<string, string>> => ({
  ...(await stores.environment()),
  APPLICATIONINSIGHTS_CONNECTION_STRING: `InstrumentationKey=${KEY};IngestionEndpoint=https://localhost:${(server.address() as AddressInfo).port}`,
  OTEL_BSP_SCHEDULE_DELAY: '100',
  OTEL_BSP_EXPORT_TIMEOUT: String(exportMs),
});
const config = (): string => `destinations:
  oncall: { type: pagerduty, routingKey: 0123456789abcdef0123456789abcdef, eventsUrl: "${pager.url}" }
routes: [{ match: { kind: outage }, to: [oncall] }]
`;

test('a page arrives as a request and its dependencies, under one operation', async () => {
  const relay = await startRelay(stores, config(), await environment());
  try {
    await relay.post(serviceHealth({ trackingId: 'INSIGHT-1', communication: 1, stage: 'Active' }));
    await relay.level('INSIGHT-1', 1);
    const named = (name: string): Envelope | undefined => envelopes.find((one) => one.data.baseData.name === name);
    const names = ['POST /v1/receivers/azure-monitor', 'process rings', 'deliver oncall', 'POST 127.0.0.1'];
    await expect.poll(() => names.filter((name) => !named(name))).toEqual([]);
    const request = named('POST /v1/receivers/azure-monitor')!;
    const page = named('deliver oncall')!;
    const call = named('POST 127.0.0.1')!;
    expect(request).toMatchObject({
      iKey: KEY,
      data: { baseType: 'RequestData' },
      tags: { 'ai.cloud.role': 'health-relay' },
    });
    expect(page.tags['ai.operation.id']).toBe(request.tags['ai.operation.id']);
    expect(call.tags['ai.operation.parentId']).toBe(page.data.baseData.id);
    expect(call.data.baseData).toMatchObject({ success: true, resultCode: '202' });
    expect(JSON.stringify(envelopes)).not.toContain('0123456789abcdef0123456789abcdef');
  } finally {
    await relay.stop();
  }
});

test('an export that hangs is broken off: nothing piles up', async () => {
  mode = 'hang';
  const relay = await startRelay(stores, config(), await environment());
  try {
    await relay.post(serviceHealth({ trackingId: 'INSIGHT-2', communication: 1, stage: 'Active' }));
    await expect.poll(() => hung).toBeGreaterThan(0);
    await expect.poll(() => hanging).toBe(0);
  } finally {
    await relay.stop();
  }
});

// Whoever waits for an export outlasts the test.
test('an ingestion endpoint that hangs holds up neither the page nor the end', { timeout: 50_000 }, async () => {
  mode = 'hang';
  const before = hung;
  const relay = await startRelay(stores, config(), await environment(60_000));
  try {
    await relay.post(serviceHealth({ trackingId: 'INSIGHT-3', communication: 1, stage: 'Active' }));
    await relay.level('INSIGHT-3', 1);
    await expect.poll(() => hung).toBeGreaterThan(before);
  } finally {
    await relay.stop();
  }
});
