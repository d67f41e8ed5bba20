import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { opsgenie } from '#adapters/opsgenie/index.ts';
import type { DeliverContext, Outcome, Receipt } from '#src/core/adapter.ts';
import { communicationView, makeContext, makeStep } from '#test/support/steps.ts';
import { OpsgenieServer } from '#test/support/vendors/opsgenie.ts';

const API_KEY = 'eb243592-faa2-4ba2-a551-1afdf565c889';
const ALIAS = 'a3f1c5d7e9b20486a3f1c5d7e9b20486a3f1c5d7e9b20486a3f1c5d7e9b20486';
let server: OpsgenieServer;

beforeEach(async () => {
  server = await new OpsgenieServer({ apiKey: API_KEY }).start();
});
afterEach(() => server.stop());

type Overrides = Parameters<typeof makeStep>[0];

const contextOf = (more: Partial<DeliverContext<unknown>> = {}) =>
  makeContext({ settings: opsgenie.settings.parse({ apiKey: API_KEY, apiUrl: server.apiUrl }), ...more });
const deliver = (step: Overrides = {}, more: Partial<DeliverContext<unknown>> = {}): Promise<Outcome> =>
  opsgenie.deliver(makeStep(step), contextOf(more));
const paths = () => server.requests.map(({ path }) => path);
const receiptOf = (outcome: Outcome): Receipt => {
  if (outcome.outcome !== 'accepted') throw new Error(`not accepted: ${outcome.detail}`);
  return outcome.receipt;
};

describe('an opening', () => {
  it('is one create with everything that a responder needs', async () => {
    const settings = opsgenie.settings.parse({
      apiKey: API_KEY,
      apiUrl: `${server.url}/jsm/ops/integration/v2/`,
      responders: [{ type: 'team', name: 'Platform' }],
      tags: ['azure'],
    });
    const outcome = await deliver({}, { settings });
    expect(outcome).toMatchObject({
      outcome: 'accepted',
      status: 202,
      receipt: {
        level: 'accepted',
        status: 202,
        call: 'create',
        alias: ALIAS,
        requestId: server.processed[0]?.requestId,
      },
      memo: { created: true },
    });
    expect(paths()).toEqual(['/jsm/ops/integration/v2/alerts']);
    expect(server.requests[0]?.headers['authorization']).toBe(`GenieKey ${API_KEY}`);
    expect(server.alerts()).toMatchObject([
      {
        alias: ALIAS,
        message: '[Outage] Container Registry, West Europe: Image pulls fail in West Europe (CNT1-0AR)',
        priority: 'P2',
        tags: ['azure', 'azure-health', 'outage', 'CNT1-0AR'],
        details: { Stage: 'Active', 'Tracking ID': 'CNT1-0AR' },
        entity: 'Container Registry',
        source: 'contoso/Azure',
        responders: [{ type: 'team', name: 'Platform' }],
      },
    ]);
    const { description } = server.alerts()[0] ?? { description: '' };
    expect(description).toContain('Timeline: https://relay.example/incidents/inc_01k7q2v9m3x4');
    expect(description).toContain('failures when pulling images');
  });

  it.each([
    ['outage', 'critical', 'P1'],
    ['outage', 'error', 'P2'],
    ['outage', 'warning', 'P3'],
    ['outage', 'info', 'P5'],
    ['security', 'info', 'P2'],
    ['unrecognised', 'critical', 'P3'],
    ['maintenance', 'critical', 'P5'],
  ] as const)('of kind %s and severity %s is %s', async (kind, severity, priority) => {
    await deliver({ incident: { kind, severity } });
    expect(server.alerts()[0]?.priority).toBe(priority);
  });

  it('that is repeated counts the open alert up', async () => {
    await deliver({}, { settling: true });
    await deliver({}, { settling: true });
    expect(server.alerts()).toMatchObject([{ count: 2 }]);
  });

  it('after a close is a new alert under the same alias', async () => {
    await deliver();
    await deliver({ action: 'resolve', opened: true, told: true });
    await deliver({ told: true });
    expect(server.alerts().map(({ status }) => status)).toEqual(['closed', 'open']);
  });
});

describe('an alert that stands', () => {
  it('gets an update as a note, in one call', async () => {
    await deliver();
    await deliver({ action: 'update', opened: true, told: true, changes: ['It spread.'] });
    expect(paths()).toEqual(['/v2/alerts', `/v2/alerts/${ALIAS}/notes?identifierType=alias`]);
    expect(server.alerts()[0]?.notes).toEqual([expect.stringContaining('- It spread.')]);
    expect(server.alerts()[0]?.count).toBe(1);
  });

  it.each(['resolve', 'retract'] as const)('is closed by a %s, with the reason', async (action) => {
    await deliver();
    await deliver({ action, opened: true, told: true, incident: { state: 'resolved', stage: 'Resolved' } });
    expect(paths()[1]).toBe(`/v2/alerts/${ALIAS}/close?identifierType=alias`);
    expect(server.alerts()).toMatchObject([{ status: 'closed' }]);
    expect(server.alerts()[0]?.notes[0]).toContain(action === 'resolve' ? 'RESOLVED' : 'RETRACTED');
  });

  it('gets a root cause analysis as a note after it was closed, and nobody is woken', async () => {
    const { memo = {} } = await deliver();
    await deliver({ action: 'resolve', opened: true, told: true }, { memo });
    for (const action of ['note', 'update', 'resolve'] as const) await deliver({ action, told: true }, { memo });
    expect(server.pages).toBe(1);
    expect(server.dropped).toEqual([]);
    expect(server.alerts()[0]?.notes).toHaveLength(4);
  });
});

describe('what is over before it was told', () => {
  it.each(['resolve', 'retract', 'note'] as const)('makes no call on %s and says so', async (action) => {
    const outcome = await deliver({ action });
    expect(outcome).toMatchObject({ outcome: 'accepted', receipt: { sent: false } });
    expect(outcome.detail).toMatch(/^not sent: /);
    expect(server.requests).toEqual([]);
  });

  it('has no alert for later news either', async () => {
    const { memo = {} } = await deliver({ action: 'resolve' });
    expect(await deliver({ action: 'note', told: true }, { memo })).toMatchObject({ receipt: { sent: false } });
    expect(server.requests).toEqual([]);
  });

  it('is an alert after all when it comes back', async () => {
    const { memo = {} } = await deliver({ action: 'resolve' });
    const opened = await deliver({ told: true }, { memo });
    expect(opened.memo).toEqual({ created: true });
    await deliver({ action: 'note', told: true }, { memo: opened.memo ?? {} });
    expect(server.entries.map(({ event }) => event)).toEqual(['create', 'note']);
  });
});

describe('the limits', () => {
  it.each(['x', '😀', '容器 ', 'e\u{301}'])('hold for texts of %s, with tracking ID and link', async (filler) => {
    const long = filler.repeat(30_000);
    const step: Overrides = {
      incident: {
        headline: `[Outage] Container Registry, West Europe: ${long} (CNT1-0AR)`,
        impacts: Array.from({ length: 200 }, (_, i) => ({ service: `Service ${i}`, region: 'West Europe' })),
        details: Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`Detail ${i}`, long.slice(0, 1_000)])),
      },
      communication: communicationView({ html: `<p>${long}</p>` }),
    };
    await deliver(step);
    await deliver({ ...step, action: 'update', opened: true, told: true });
    expect(server.refusals).toEqual([]);
    const [alert] = server.alerts();
    expect(alert?.message).toMatch(/^\[Outage\] Container Registry, West Europe: .+ … \[cut\] \(CNT1-0AR\)$/);
    expect(alert?.message.length).toBeGreaterThan(115);
    expect(alert?.description.length).toBeGreaterThan(14_800);
    expect(alert?.notes[0]?.length).toBeGreaterThan(14_800);
    expect(Object.keys(alert?.details ?? {}).length).toBeGreaterThan(5);
  });

  it('hold for links, which come before the text that is cut', async () => {
    await deliver({ communication: communicationView({ html: `<p>${'word '.repeat(9_000)}</p>` }) });
    const { description } = server.alerts()[0] ?? { description: '' };
    expect(description).toContain('Timeline: https://relay.example/incidents/inc_01k7q2v9m3x4');
    expect(description).toMatch(/\[cut\]$/);
  });
});

describe('an answer', () => {
  it('is confirmed with the id of the alert once it was processed, and not before', async () => {
    const receipt = receiptOf(await deliver());
    server.statusUnknownTimes = 1;
    expect(await opsgenie.confirm?.(receipt, contextOf())).toBeNull();
    expect(await opsgenie.confirm?.(receipt, contextOf())).toEqual({
      ...receipt,
      level: 'confirmed',
      vendorStatus: 'Created alert',
      alertId: server.alerts()[0]?.id,
    });
  });

  it('that had no effect stays accepted and says that it failed', async () => {
    const receipt = receiptOf(await deliver({ action: 'resolve', opened: true, told: true }));
    expect(await opsgenie.confirm?.(receipt, contextOf())).toEqual({
      ...receipt,
      level: 'accepted',
      failed: true,
      vendorStatus: 'Alert does not exist',
    });
  });

  it('cannot be confirmed when the vendor is away, or when nothing was sent', async () => {
    const sent = receiptOf(await deliver());
    const quiet = receiptOf(await deliver({ action: 'resolve' }));
    const context = contextOf();
    expect(await opsgenie.confirm?.(quiet, context)).toBeNull();
    await server.stop();
    expect(await opsgenie.confirm?.(sent, context)).toBeNull();
  });

  it('of 422 fails for good with the words of the vendor', async () => {
    const answer = { status: 422, body: { message: 'Request body is not processable' } };
    server.failNext({ kind: 'answer', answer });
    const outcome = await deliver();
    expect(outcome).toMatchObject({ outcome: 'permanent', reason: 'invalid-request', status: 422 });
    expect(outcome.detail).toContain('not processable');
  });

  it('to a wrong key fails for good', async () => {
    const settings = opsgenie.settings.parse({ apiKey: 'another-key-1234', apiUrl: server.apiUrl });
    expect(await deliver({}, { settings })).toMatchObject({ outcome: 'permanent', reason: 'unauthorized' });
  });
});

describe('a test', () => {
  it('opens a P5 alert under its own alias and closes it at once', async () => {
    await deliver({ test: true });
    expect(server.alerts()).toMatchObject([{ priority: 'P5', status: 'closed' }]);
    expect(server.alerts()[0]?.message).toMatch(/^TEST /);
    expect(server.pagesFor(ALIAS)).toBe(0);
  });
});

describe('the settings', () => {
  const faultOf = (more: object) => opsgenie.settings.safeParse({ apiKey: API_KEY, ...more }).error?.issues[0];

  it('go to Jira Service Management unless told otherwise, since Opsgenie ends (destinations 5)', () => {
    const settings = opsgenie.settings.parse({ apiKey: API_KEY });
    expect(opsgenie.targets(settings)).toEqual(['https://api.atlassian.com/jsm/ops/integration/v2']);
  });

  it('take a key of any form that a header can hold', () => {
    for (const apiKey of ['ATATT3xFfGF0+abc/def=1A2B3C4D', 'key-1'])
      expect(opsgenie.settings.parse({ apiKey })).toMatchObject({ apiKey });
    expect(faultOf({ apiKey: 'a\r\nx-evil: 1' })?.path).toEqual(['apiKey']);
  });

  it.each([
    ['apiKey', { apiKey: 'with blank inside' }, 'key of an API integration'],
    ['apiUrl', { apiUrl: 'https://api.opsgenie.com/v2/alerts' }, '/alerts is added by the relay'],
    ['apiUrl', { apiUrl: 'ftp://api.opsgenie.com' }, 'must be a base URL'],
    ['responders', { responders: [{ type: 'team' }] }, 'one of id, name, username'],
    ['responders', { responders: [{ type: 'group', name: 'x' }] }, 'team, user, escalation, schedule'],
    ['tags', { tags: Array.from({ length: 18 }, (_, i) => `t${i}`) }, 'at most 17 tags'],
    ['tags', { tags: ['x'.repeat(51)] }, 'at most 50 characters'],
  ])('name the key %s and say what is wrong with %j', (key, given, words) => {
    const fault = faultOf(given);
    expect(fault?.path[0]).toBe(key);
    expect(fault?.message).toContain(words);
  });
});
