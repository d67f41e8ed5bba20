/**
 * Traces of a real relay, taken by a collector that decodes every byte: from the webhook through BullMQ to the vendor.
 * `TEST_PRINT_TRACE=1` prints one per footing, as docs/operate.md shows it.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { serviceHealth } from '#test/support/fixtures.ts';
import { OtlpServer } from '#test/support/otlp/otlp-server.ts';
import type { OtlpSpan } from '#test/support/otlp/trace-message.ts';
import { traceTree } from '#test/support/otlp/tree.ts';
import { FOOTINGS, openStores, startRelay, TOKEN, type Stores, type TestRelay } from '#test/support/relay.ts';
import { PagerDutyServer } from '#test/support/vendors/pagerduty.ts';
import { VendorServer } from '#test/support/vendors/vendor-server.ts';
import { WebhookServer } from '#test/support/vendors/webhook.ts';

const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';
const CALLER = '4bf92f3577b34da6a3ce929d0e0e4736';
let pager: PagerDutyServer;
let hook: VendorServer;
let otlp: OtlpServer;
let relay: TestRelay | null = null;

beforeEach(async () => {
  pager = await new PagerDutyServer().start();
  hook = await new WebhookServer(SECRET).start();
  otlp = await new OtlpServer().start();
});
afterEach(async () => {
  await relay?.stop();
  relay = null;
  await otlp.stop();
  await pager.stop();
  await hook.stop();
  expect(otlp.faults).toEqual([]);
});

interface Started {
  url: string;
  level: (trackingId: string, count: number) => Promise<unknown>;
}

async function start(stores: Stores, environment: Record<string, string> = {}): Promise<Started> {
  const started = await startRelay(
    stores,
    `destinations:
  oncall: { type: pagerduty, routingKey: 0123456789abcdef0123456789abcdef, eventsUrl: "${pager.url}" }
  hook: { type: webhook, url: "${hook.url}/hook-path-is-secret", secret: "${SECRET}", retry: { schedule: [200ms] } }
routes: [{ match: { kind: outage }, to: [oncall, hook] }]
`,
    {
      OTEL_BSP_SCHEDULE_DELAY: '100',
      ...(environment['OTEL_EXPORTER_OTLP_ENDPOINT'] ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url }),
      ...(await stores.environment()),
      ...environment,
    },
  );
  relay = started;
  return { url: started.url, level: (trackingId, count) => started.level(trackingId, count) };
}

const active = (id: string, n = 1, text?: string): unknown =>
  serviceHealth({ trackingId: id, communication: n, stage: 'Active', ...(text ? { text } : {}) });

/** Waits for spans of a name, and returns all of its trace. */
async function spansNamed(name: string, count = 1): Promise<OtlpSpan[]> {
  await expect.poll(() => otlp.spans.filter((span) => span.name === name).length).toBeGreaterThanOrEqual(count);
  return otlp.spans.filter((span) => span.name === name);
}

/** Names from the root down to a span, within its trace. */
function path(span: OtlpSpan): string[] {
  const parent = otlp.spans.find((one) => one.spanId === span.parentSpanId && one.traceId === span.traceId);
  return [...(parent ? path(parent) : []), span.name];
}

/** Whether the reconciler came before a ring, as it may on a machine that stood still: what it tells stands below no ring. */
async function reconciled(): Promise<boolean> {
  return /^relay_reconciled_total\{.*\} [1-9]/m.test((await relay!.get('/metrics')).text);
}

async function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<number> {
  const answer = await fetch(`${url}/v1/receivers/azure-monitor?token=${TOKEN}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  await answer.arrayBuffer();
  return answer.status;
}

describe.each(FOOTINGS.filter((footing) => footing !== 'embedded'))('on %s', (footing) => {
  let stores: Stores;
  beforeAll(async () => {
    stores = await openStores(footing);
  });
  afterAll(() => stores.stop());

  test('one alert is one trace, from the webhook through the ring to the page', async () => {
    const { level, url } = await start(stores);
    expect(await post(url, active('TRACE-001'))).toBe(202);
    await level('TRACE-001', 2);
    const [receipt] = await spansNamed('POST /v1/receivers/azure-monitor');
    const [delivery] = await spansNamed('deliver oncall');
    await spansNamed('process rings', 2);
    await spansNamed('POST 127.0.0.1', 2);
    expect(new Set(otlp.spans.map((span) => span.traceId))).toEqual(new Set([receipt!.traceId]));
    expect(receipt).toMatchObject({
      kind: 'server',
      parentSpanId: null,
      attributes: { 'relay.source': 'test', 'relay.outcome.opened': 1, 'http.response.status_code': 202 },
      resource: { 'service.name': 'health-relay', 'relay.role': 'all' },
    });
    expect(delivery!.attributes).toMatchObject({
      'relay.type': 'pagerduty',
      'relay.action': 'open',
      'relay.outcome': 'accepted',
      'relay.reason': 'ok',
    });
    const root = 'POST /v1/receivers/azure-monitor';
    const call = otlp.spans.find((span) => span.kind === 'client' && span.parentSpanId === delivery!.spanId)!;
    await expect.poll(() => path(call)[0]).toBe(root);
    const ring = (await reconciled()) && path(call).length === 3 ? [] : ['ingest', 'addBulk rings', 'process rings'];
    expect(path(call)).toEqual([root, ...ring, 'deliver oncall', 'POST 127.0.0.1']);
    if (process.env['TEST_PRINT_TRACE']) await printNext();
    async function printNext(): Promise<void> {
      // The second alert: everything is warm.
      await post(url, active('TRACE-002'));
      await level('TRACE-002', 2);
      await spansNamed('process rings', 4);
      const [, second] = await spansNamed('POST /v1/receivers/azure-monitor', 2);
      process.stdout.write(`${traceTree(otlp.spans, second!.traceId)}\n`);
    }
  });

  test('alerts that share a commit or a ring keep a trace each, and each page stands in its own', async () => {
    const { level, url } = await start(stores);
    const ids = Array.from({ length: 12 }, (_, n) => `TRACE-1${String(n).padStart(2, '0')}`);
    await Promise.all(ids.map((id) => post(url, active(id))));
    for (const id of ids) await level(id, 2);
    const receipts = await spansNamed('POST /v1/receivers/azure-monitor', 12);
    const deliveries = await spansNamed('deliver oncall', 12);
    const traces = receipts.map((span) => span.traceId);
    expect(new Set(traces).size).toBe(12);
    expect(deliveries.map((span) => span.traceId).sort()).toEqual(traces.sort());
    // Whoever is not told by its own ring points at the ring that told it.
    const told = (): OtlpSpan[] => {
      const rings = new Set(otlp.spans.filter((span) => span.name === 'process rings').map((span) => span.spanId));
      return deliveries.filter((span) =>
        [span.parentSpanId, ...span.links.map((link) => link.spanId)].some((id) => rings.has(id!)),
      );
    };
    // A ring that is being answered is exported only after its attempts.
    if (!(await reconciled())) await expect.poll(() => told().length).toBeGreaterThan(0);
    const commits = otlp.spans.filter((span) => span.name === 'ingest');
    const named = commits.flatMap((span) => [span.traceId, ...span.links.map((link) => link.traceId)]);
    expect(new Set(named)).toEqual(new Set(traces));
  });

  test('the looks of the workers at the queue make no spans', async () => {
    const { level, url } = await start(stores);
    await post(url, active('TRACE-200'));
    await level('TRACE-200', 2);
    await spansNamed('process rings', 2);
    expect(otlp.spans.filter((span) => /getNextJob|Stalled|Locks/.test(span.name))).toEqual([]);
  });
});

describe('on postgres', () => {
  let stores: Stores;
  beforeAll(async () => {
    stores = await openStores('postgres');
  });
  afterAll(() => stores.stop());

  test('a caller who has proved who it is may bring its trace; others and nonsense bring none', async () => {
    const { level, url } = await start(stores);
    const traceparent = `00-${CALLER}-00f067aa0ba902b7-01`;
    const refused = await fetch(`${url}/v1/receivers/azure-monitor?token=wrong-token-000000`, {
      method: 'POST',
      headers: { traceparent },
      body: '{}',
    });
    expect(refused.status).toBe(401);
    expect(await post(url, active('TRACE-300'), { traceparent: `00-${'0'.repeat(32)}-00f067aa0ba902b7-01` })).toBe(202);
    await level('TRACE-300', 2);
    await spansNamed('deliver oncall');
    expect(otlp.spans.some((span) => span.traceId === CALLER)).toBe(false);
    expect(await post(url, active('TRACE-301'), { traceparent })).toBe(202);
    await level('TRACE-301', 2);
    await spansNamed('deliver oncall', 2);
    const receipt = (): OtlpSpan | undefined =>
      otlp.spans.find((span) => span.traceId === CALLER && span.kind === 'server');
    await expect.poll(() => receipt()?.parentSpanId).toBe('00f067aa0ba902b7');
    expect(otlp.spans.filter((span) => span.traceId === CALLER && span.name === 'deliver oncall')).toHaveLength(1);
  });

  test('a caller who keeps no trace gets none, and its alert goes out all the same', async () => {
    const { level, url } = await start(stores);
    await post(url, active('TRACE-310'), { traceparent: `00-${CALLER}-00f067aa0ba902b7-00` });
    await level('TRACE-310', 2);
    await relay!.stop();
    relay = null;
    expect(otlp.spans).toEqual([]);
  });

  test('later tries stand in the trace of the signal, with why they failed', async () => {
    await hook.stop();
    const { promise: rung, resolve: mayAnswer } = Promise.withResolvers<void>();
    hook = await new VendorServer(() =>
      hook.requests.length === 1 ? rung.then(() => ({ status: 503 })) : { status: 204 },
    ).start();
    const { level, url } = await start(stores);
    await post(url, active('TRACE-320'));
    // The first answer comes when the rings are answered: whatever is tried after it comes by the clock.
    await spansNamed('process rings', 2);
    mayAnswer();
    await level('TRACE-320', 2);
    const tries = await spansNamed('deliver hook', 2);
    const [receipt] = await spansNamed('POST /v1/receivers/azure-monitor');
    expect(tries.map((span) => span.traceId)).toEqual([receipt!.traceId, receipt!.traceId]);
    expect(tries.map((span) => [span.failed, span.attributes['relay.outcome'], span.attributes['error.type']])).toEqual(
      [
        [true, 'retryable', 'server-error'],
        [false, 'accepted', undefined],
      ],
    );
    expect(tries[1]!.parentSpanId).toBe(receipt!.spanId);
  });

  test('no token, no text of the sender, no secret part of an address is in any span', async () => {
    const { level, url } = await start(stores);
    await post(url, active('TRACE-330', 1, '<p>the words of the sender</p>'));
    await level('TRACE-330', 2);
    await spansNamed('deliver hook');
    await relay!.stop();
    relay = null;
    const sent = Buffer.concat(otlp.bodies).toString('latin1');
    const secrets = [
      TOKEN,
      '0123456789abcdef0123456789abcdef',
      'hook-path-is-secret',
      'the words of the sender',
      SECRET,
    ];
    expect(sent).toContain('deliver hook');
    expect(secrets.filter((secret) => sent.includes(secret))).toEqual([]);
    expect(sent).not.toContain('TRACE-330');
  });

  test('with sampling at none nothing is sent', async () => {
    const { level, url } = await start(stores, {
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0',
    });
    await post(url, active('TRACE-340'));
    await level('TRACE-340', 2);
    await relay!.stop();
    relay = null;
    expect(otlp.requests).toBe(0);
    expect(pager.pages).toBe(1);
  });

  // Whoever waits for an export outlasts the test.
  test.each(['hang', 'refuse'] as const)(
    'a collector that says %s costs nobody anything, at the end neither',
    { timeout: 50_000 },
    async (mode) => {
      otlp.mode = mode;
      const { level, url } = await start(stores, { OTEL_BSP_EXPORT_TIMEOUT: '60000' });
      expect(await post(url, active(`TRACE-35${mode}`))).toBe(202);
      await level(`TRACE-35${mode}`, 2);
      await expect.poll(() => otlp.requests).toBeGreaterThan(0);
      await relay!.stop();
      relay = null;
    },
  );

  test.each(['hang', 'refuse'] as const)('what a collector that says %s did not take is counted', async (mode) => {
    otlp.mode = mode;
    const { url } = await start(stores, { OTEL_BSP_EXPORT_TIMEOUT: '1000' });
    await post(url, active(`TRACE-38${mode}`));
    await expect
      .poll(async () => (await relay!.get('/metrics')).text)
      .toMatch(/relay_trace_spans_total\{result="failed"\} [1-9]/);
  });

  test('a collector that is gone costs nobody anything; more spans than fit are dropped and counted', async () => {
    const address = otlp.url;
    await otlp.stop();
    const { level, url } = await start(stores, {
      OTEL_EXPORTER_OTLP_ENDPOINT: address,
      OTEL_BSP_MAX_QUEUE_SIZE: '8',
      OTEL_BSP_SCHEDULE_DELAY: '2000',
    });
    for (let n = 0; n < 10; n++) expect(await post(url, active(`TRACE-36${n}`))).toBe(202);
    for (let n = 0; n < 10; n++) await level(`TRACE-36${n}`, 2);
    const metrics = async (): Promise<string> => (await relay!.get('/metrics')).text;
    await expect.poll(metrics, { timeout: 30_000 }).toMatch(/relay_trace_spans_total\{result="failed"\} [1-9]/);
    // The SDK counts what it had no room for once there is room again.
    expect(await post(url, active('TRACE-361', 2))).toBe(202);
    await expect.poll(metrics).toMatch(/relay_trace_spans_total\{result="dropped"\} [1-9]/);
  });

  test('after an upgrade from a relay without traces, what is open is told in a trace of its own', async () => {
    const environment = await stores.environment();
    const first = await start(stores, { ...environment, OTEL_EXPORTER_OTLP_ENDPOINT: '' });
    await post(first.url, active('TRACE-370'));
    await first.level('TRACE-370', 2);
    await relay!.stop();
    expect(otlp.requests).toBe(0);
    const second = await start(stores, environment);
    await post(second.url, active('TRACE-370', 2));
    await second.level('TRACE-370', 2);
    const [receipt] = await spansNamed('POST /v1/receivers/azure-monitor');
    const [told] = await spansNamed('deliver hook');
    expect(told!.traceId).toBe(receipt!.traceId);
  });
});
