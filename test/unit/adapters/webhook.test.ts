import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Webhook } from 'standardwebhooks';
import { webhook } from '#adapters/webhook/index.ts';
import { renderBody } from '#adapters/webhook/render.ts';
import { signedHeaders } from '#adapters/webhook/sign.ts';
import { communicationView, makeContext, makeStep } from '#test/support/steps.ts';
import { WebhookServer, type WebhookBody } from '#test/support/vendors/webhook.ts';

const NEW_SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const OLD_SECRET = `whsec_${Buffer.alloc(24, 2).toString('base64')}`;
let server: WebhookServer;

beforeEach(async () => {
  server = await new WebhookServer(NEW_SECRET).start();
});
afterEach(() => server.stop());

const contextOf = (overrides: Partial<Parameters<typeof makeContext>[0]> = {}) =>
  makeContext({ settings: webhook.settings.parse({ url: server.url, secret: NEW_SECRET }), ...overrides });

const render = (step = makeStep(), sensitive: 'full' | 'redacted' = 'full') =>
  renderBody(step, { ...contextOf({ destination: { ...contextOf().destination, sensitive } }), now: new Date() });

describe('the signature', () => {
  it('is the one of the reference library, for every secret, newest first', () => {
    const message = { id: 'msg_1', timestampSeconds: 1_763_884_800, body: '{"ä":"😀"}' };
    const expected = [NEW_SECRET, OLD_SECRET].map((secret) =>
      new Webhook(secret).sign(message.id, new Date(message.timestampSeconds * 1_000), message.body),
    );
    expect(signedHeaders(message, [NEW_SECRET, OLD_SECRET])).toEqual({
      'webhook-id': 'msg_1',
      'webhook-timestamp': '1763884800',
      'webhook-signature': expected.join(' '),
    });
  });

  it.each([
    ['the new secret', NEW_SECRET],
    ['the old secret', OLD_SECRET],
  ])('is taken by a receiver that knows %s while both are configured', async (_name, known) => {
    const receiver = await new WebhookServer(known).start();
    const settings = webhook.settings.parse({ url: receiver.url, secret: [NEW_SECRET, OLD_SECRET] });
    expect(await webhook.deliver(makeStep(), contextOf({ settings }))).toMatchObject({
      outcome: 'accepted',
      status: 204,
    });
    await receiver.stop();
  });

  it('is refused by the stand-in when it is foreign, old, or the body was changed', async () => {
    const send = async (body: string, headers: Record<string, string>) =>
      (await fetch(server.url, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } }))
        .status;
    const body = render();
    const timestampSeconds = Math.floor(Date.now() / 1_000);
    const good = signedHeaders({ id: 'a', timestampSeconds, body }, [NEW_SECRET]);
    const foreign = signedHeaders({ id: 'b', timestampSeconds, body }, [OLD_SECRET]);
    const old = signedHeaders({ id: 'c', timestampSeconds: timestampSeconds - 301, body }, [NEW_SECRET]);
    expect([await send(body, foreign), await send(body, old), await send(`${body} `, good)]).toEqual([401, 401, 401]);
    expect(await send(body, good)).toBe(204);
  });
});

describe('a try', () => {
  it('keeps the webhook-id of its step and has a time of its own', async () => {
    const context = contextOf({ stepKey: 'dlv_1_2' });
    const startedAt = Date.now();
    await webhook.deliver(makeStep(), { ...context, now: () => new Date(startedAt - 5_000) });
    await webhook.deliver(makeStep(), { ...context, now: () => new Date(startedAt) });
    const headers = server.requests.map((request) => request.headers);
    expect(headers.map((entry) => entry['webhook-id'])).toEqual(['dlv_1_2', 'dlv_1_2']);
    expect(Number(headers[1]?.['webhook-timestamp']) - Number(headers[0]?.['webhook-timestamp'])).toBe(5);
    expect(server.events).toHaveLength(1);
    expect(server.duplicates).toEqual(['dlv_1_2']);
  });

  it('ends in a receipt with the id', async () => {
    expect(await webhook.deliver(makeStep(), contextOf({ stepKey: 'dlv_1_2' }))).toEqual({
      outcome: 'accepted',
      status: 204,
      receipt: { level: 'accepted', status: 204, webhookId: 'dlv_1_2' },
    });
  });

  it('disables the destination on a 410, and on nothing else', async () => {
    server.failNext({ kind: 'answer', answer: { status: 410 } });
    expect(await webhook.deliver(makeStep(), contextOf())).toMatchObject({ reason: 'gone', disableDestination: true });
    server.failNext({ kind: 'answer', answer: { status: 404 } });
    expect(await webhook.deliver(makeStep(), contextOf())).not.toHaveProperty('disableDestination');
  });
});

describe('the body', () => {
  it.each([
    ['open', 'incident.opened'],
    ['update', 'incident.updated'],
    ['resolve', 'incident.resolved'],
    // News after the end is an update with its stage (destinations 0.1).
    ['note', 'incident.updated'],
    ['retract', 'incident.resolved'],
  ] as const)('of %s has the type %s', (action, type) => {
    expect(JSON.parse(render(makeStep({ action }))) as WebhookBody).toMatchObject({ type, data: { action } });
  });

  it('of a test has the type incident.test', () => {
    expect((JSON.parse(render(makeStep({ test: true }))) as WebhookBody).type).toBe('incident.test');
  });

  it('holds incident, text, changes, audience, links, key and marks', () => {
    const step = makeStep({ action: 'update', covers: [2, 4], catchUp: true, repeat: true, changes: ['Moved.'] });
    expect(JSON.parse(render(step))).toMatchObject({
      timestamp: '2026-11-23T08:20:11.000Z',
      data: {
        relay: 'contoso',
        destination: 'oncall',
        vendorKey: contextOf().vendorKey,
        covers: [2, 4],
        catchUp: true,
        repeat: true,
        incident: { trackingId: 'CNT1-0AR', impacts: [{ service: 'Container Registry', region: 'West Europe' }] },
        communication: {
          id: '11000171893220',
          text: expect.stringContaining('failures when pulling images') as string,
        },
        changes: ['Moved.'],
        audience: { subscriptions: [{ name: 'Payments prod' }, { name: null }], total: 25 },
        route: { runbook: 'https://wiki.example/azure-outage' },
        links: { timeline: 'https://relay.example/incidents/inc_01k7q2v9m3x4' },
      },
    });
  });

  it.each([
    ['quotes and line breaks', '"\n'],
    ['control characters', '\u{1}'],
    ['emoji', '👩‍👩‍👧‍👦 '],
    ['words', 'failure '],
  ])('stays under 20,000 bytes with a huge text of %s in every field, and keeps most of it', (_name, filler) => {
    const long = filler.repeat(20_000);
    const step = makeStep({
      incident: {
        title: long,
        headline: long,
        details: Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`d${i}`, long.slice(0, 2_000)])),
        impacts: Array.from({ length: 300 }, (_, i) => ({ service: `Service ${i}`, region: 'West Europe' })),
        resources: Array.from({ length: 300 }, (_, i) => `/subscriptions/x/resource/${i}`),
      },
      communication: communicationView({ title: long, html: `<p>${long.replaceAll('\u{1}', 'x')}</p>` }),
      changes: Array.from({ length: 300 }, () => long.slice(0, 2_000)),
      route: { runbook: null, note: long, fields: { a: long } },
    });
    const body = render(step);
    expect(Buffer.byteLength(body)).toBeLessThanOrEqual(20_000);
    expect(Buffer.byteLength(body)).toBeGreaterThan(15_000);
    const { data } = JSON.parse(body) as {
      data: { communication: { text: string }; incident: Record<string, unknown> };
    };
    expect(data.communication.text).toMatch(/… \[cut\]$/);
    expect(data.incident['impactsTotal']).toBe(300);
  });

  it('says nothing of Microsoft but title and scope where the destination is redacted', () => {
    const step = makeStep({
      changes: ['Quokka.'],
      communication: communicationView({ title: 'Quokka', html: 'Quokka' }),
    });
    const body = render(step, 'redacted');
    expect(body).not.toMatch(/quokka/i);
    expect(JSON.parse(body)).toMatchObject({
      data: { redacted: true, communication: null, incident: { details: {} } },
    });
  });
});

describe('the settings', () => {
  const faultOf = (settings: object) =>
    webhook.settings
      .safeParse(settings)
      .error?.issues.map(({ message }) => message)
      .join();

  it.each([
    [{ url: 'https://example.org' }, 'whsec_'],
    [{ url: 'https://example.org', secret: 'plain-password' }, 'whsec_'],
    [{ url: 'https://example.org', secret: 'whsec_dG9vc2hvcnQ=' }, '24 to 64'],
    [{ url: 'https://example.org', secret: 'whsec_not*base64*at*all*not*base64*at*all' }, '24 to 64'],
    [{ url: 'https://example.org', secret: [] }, 'at least one'],
    [{ url: 'ftp://example.org', secret: NEW_SECRET }, 'http'],
    [{ url: 'https://example.org', secret: NEW_SECRET, secert: 1 }, 'secert'],
  ])('of %j are refused with a hint at %s', (settings, hint) => {
    expect(faultOf(settings)).toContain(hint);
  });

  it('keep the account when a secret is rotated, and change it with the URL', () => {
    const key = (settings: object) => webhook.accountKey(webhook.settings.parse(settings));
    const url = 'https://example.org/hook';
    expect(key({ url, secret: NEW_SECRET })).toBe(key({ url, secret: [OLD_SECRET, NEW_SECRET] }));
    expect(key({ url, secret: NEW_SECRET })).not.toBe(key({ url: `${url}2`, secret: NEW_SECRET }));
  });
});
