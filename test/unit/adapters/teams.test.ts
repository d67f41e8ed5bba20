/** Teams cards as people see them, within the limits, and what the webhook's answers mean. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cutMarkdown, encodedBytes, ENCODED_BYTES_MAX } from '#adapters/teams/budget.ts';
import { teams } from '#adapters/teams/index.ts';
import { renderCard } from '#adapters/teams/render.ts';
import { teamsSettings } from '#adapters/teams/settings.ts';
import { communicationView, makeContext, makeStep } from '#test/support/steps.ts';
import { cardFaults } from '#test/support/vendors/teams-card.ts';
import { TeamsServer } from '#test/support/vendors/teams.ts';

const destination = { name: 'channel', id: 'channel', timezone: 'Europe/Berlin', sensitive: 'full' } as const;
const render = (overrides: Parameters<typeof makeStep>[0] = {}) => renderCard(makeStep(overrides), { destination });

let server: TeamsServer;
beforeEach(async () => {
  server = await new TeamsServer().start();
});
afterEach(() => server.stop());

const deliver = (overrides: Parameters<typeof makeStep>[0] = {}) =>
  teams.deliver(makeStep(overrides), makeContext({ settings: { webhookUrl: server.url } }));

describe('a card', () => {
  it.each([
    ['open', {}, 'attention'],
    ['update', { incident: { severity: 'warning' }, changes: ['Severity fell from error to warning.'] }, 'warning'],
    ['resolve', { incident: { state: 'resolved', stage: 'Resolved' }, changes: ['Stage is now Resolved.'] }, 'good'],
    ['note', { incident: { state: 'resolved', stage: 'RCA' } }, 'emphasis'],
    ['retract', { communication: null }, 'good'],
  ] as const)('for %s is one that Teams shows, with the colour of its stage', async (action, overrides, style) => {
    expect(await deliver({ action, ...overrides })).toMatchObject({ outcome: 'accepted', status: 202 });
    expect(server.runs).toMatchObject([{ faults: [] }]);
    expect(server.cards).toMatchObject([{ style }]);
  });

  it('says, in this order, how it stands, what, where, when, what changed, who, what Microsoft says', async () => {
    await deliver({ action: 'update', changes: ['West Europe was joined by North Europe.'] });
    const text = server.cards[0]?.text ?? '';
    const wanted = [
      'Active',
      '[Outage] Container Registry, West Europe: Image pulls fail in West Europe (CNT1-0AR)',
      'Service and region: Container Registry: West Europe',
      'Started: 23 Nov 2026, 08:05 UTC (09:05 Europe/Berlin)',
      'What changed',
      '- West Europe was joined by North Europe.',
      'Subscriptions: Payments prod (payments)',
      'What Microsoft says',
      '**Impact Statement:** Starting at 08:05 UTC',
      '[Azure status](https://status.azure.com)',
      'Tracking ID: CNT1-0AR',
    ];
    const places = wanted.map((part) => text.indexOf(part));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(server.cards[0]?.actions.map(({ title }) => title)).toEqual(['Timeline', 'Azure portal', 'Runbook']);
  });

  it('is shown with a note of blanks, for which Teams would drop a card', async () => {
    await deliver({ route: { runbook: null, note: ' \n', fields: {} } });
    expect(server.runs).toMatchObject([{ faults: [] }]);
  });

  it('has buttons only for links that exist', () => {
    const card = render({ links: { timeline: null, portal: null }, route: { runbook: null, note: null, fields: {} } });
    expect(JSON.parse(card)).toMatchObject({ attachments: [{ content: { actions: [] } }] });
    expect(cardFaults(JSON.parse(card))).toEqual([]);
  });

  it('says that a repeat is one', async () => {
    await deliver({ repeat: true });
    expect(server.cards[0]?.text).toMatch(/REPEAT[\s\S]*You may have seen this before/);
  });
});

describe('the budget', () => {
  const long = (word: string) =>
    render({
      changes: Array.from({ length: 50 }, (_, i) => `Change ${i} ${word.repeat(20)}`),
      communication: communicationView({
        html: `<p>${`${word} `.repeat(9_000)}</p><p><a href="https://aka.ms/pir">details</a></p>`,
      }),
      incident: {
        details: Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`Detail ${i}`, word.repeat(100)])),
      },
    });

  it('is the one of 20,000 bytes, and stays so whoever writes the card anew', () => {
    expect(teams.limits['encodedBytesMax']).toBe(20_000);
    const text = JSON.stringify({ a: `é"\\\n'+<b>&\`👩`, b: '西' });
    const anew = text
      .replaceAll('\\"', String.raw`\u0022`)
      .replaceAll(
        /[^\u0020-\u007E]|[<>&'+\u0060]/g,
        (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
      );
    expect(JSON.parse(anew)).toEqual(JSON.parse(text));
    expect(encodedBytes(text)).toBe(Buffer.byteLength(anew));
  });

  it('holds with a long label at each of many facts, and leaves out a link that no budget has room for', () => {
    const body = render({
      route: { runbook: `https://wiki.example/${'a'.repeat(25_000)}`, note: null, fields: {} },
      incident: {
        details: Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`${'容'.repeat(57)}${i}`, '西'.repeat(700)])),
      },
    });
    expect(encodedBytes(body)).toBeLessThanOrEqual(ENCODED_BYTES_MAX);
    expect(cardFaults(JSON.parse(body))).toEqual([]);
    expect(body).not.toContain('wiki.example');
    expect(body).toContain('https://relay.example/incidents/inc_01k7q2v9m3x4');
  });

  it.each(['outage', '西欧容器', '👩‍👩‍👧‍👦', 'فشل', '"quoted\\', "<&'+>", '**bold** [x](https://x.example/a) '])(
    'holds as written anew, for 9,000 times %s',
    (word) => {
      const body = long(word);
      expect(encodedBytes(body)).toBeLessThanOrEqual(ENCODED_BYTES_MAX);
      expect(cardFaults(JSON.parse(body))).toEqual([]);
      expect(body).toContain('[cut]');
      expect(body).toContain('https://relay.example/incidents/inc_01k7q2v9m3x4');
      expect(body.isWellFormed()).toBe(true);
    },
  );

  it('is used, not wasted: the longest text is cut, and only as far as needed', () => {
    const html = `<p>${'outage '.repeat(9_000)}</p>`;
    const body = render({ changes: ['A short change.'], communication: communicationView({ html }) });
    expect(Buffer.byteLength(body)).toBeGreaterThan(ENCODED_BYTES_MAX * 0.95);
    expect(body).toContain('A short change.');
    expect(body).toContain('SubscriptionList');
  });

  it('never leaves a link or bold text half open', () => {
    const text = 'See **this and** [the long guide](https://status.example/a/very/long/address/of/a/page) now';
    for (let max = 24; max < 90; max++) {
      const cut = cutMarkdown(text, max);
      expect(cut.split('**').length % 2).toBe(1);
      expect(cut.replaceAll('[cut]', '')).not.toMatch(/\[[^\]]*$|\]$|\]\([^)]*$/);
    }
  });
});

describe('the answers', () => {
  const answer = (status: number, body?: string) => server.failNext({ kind: 'answer', answer: { status, body } });

  it.each([200, 201, 202, 204])('%i without a body is a success', async (status) => {
    answer(status);
    expect((await deliver()).outcome).toBe('accepted');
  });

  it.each([
    ['429', { outcome: 'retryable', reason: 'rate-limited' }],
    ['413', { outcome: 'permanent', reason: 'too-large' }],
    ['403', { outcome: 'permanent', reason: 'wrong-body' }],
    ['502', { outcome: 'retryable', reason: 'wrong-body' }],
  ])('200 with the failure text of a connector for HTTP %s is a failure', async (status, outcome) => {
    const body = `Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error ${status} with ContextId x`;
    // What is too large is tried once more with less text.
    server.failNext({ kind: 'answer', answer: { status: 200, body } }, 2);
    expect(await deliver()).toMatchObject(outcome);
  });

  it('200 with a web page is a failure', async () => {
    answer(200, '\n<!DOCTYPE html><title>Sign in</title>');
    expect(await deliver()).toMatchObject({ outcome: 'retryable', reason: 'wrong-body' });
  });

  it('410 disables the destination, 401 does not', async () => {
    answer(410);
    expect(await deliver()).toMatchObject({ outcome: 'permanent', disableDestination: true });
    answer(401);
    expect(await deliver()).not.toHaveProperty('disableDestination');
  });

  it('gives the id of the run, by which the flow shows what became of it', async () => {
    expect(await deliver()).toMatchObject({ receipt: { level: 'accepted', workflowRunId: 'run00000001' } });
  });
});

describe('the settings', () => {
  it('use the URL to the letter', async () => {
    await deliver();
    expect(server.requests[0]?.path).toContain('sp=%2Ftriggers%2Fmanual%2Frun');
  });

  it.each([
    ['https://contoso.webhook.office.com/webhookb2/a@b/IncomingWebhook/c/d', /Workflows/],
    ['https://outlook.office.com/webhook/a@b/IncomingWebhook/c/d', /Workflows/],
    [
      'https://prod-12.westeurope.logic.azure.com:443/workflows/abc/triggers/manual/paths/invoke?sig=secretsecret',
      /30 November 2025/,
    ],
    [
      'https://x.01.environment.api.powerplatform.com/powerautomate/automations/direct/workflows/a/triggers/manual/paths/invoke?api-version=1',
      /Anyone/,
    ],
    ['ftp://example.org/hook', /Workflows webhook/],
    ['hook', /Workflows webhook/],
  ])('refuse %s with a way out and without naming it', (webhookUrl, hint) => {
    const { error } = teamsSettings.safeParse({ webhookUrl });
    expect(error?.issues[0]?.message).toMatch(hint);
    expect(error?.message).not.toContain('secretsecret');
  });

  it('take a flow, and loopback for tests', () => {
    const flow =
      'https://x.01.environment.api.powerplatform.com:443/powerautomate/automations/direct/workflows/a/triggers/manual/paths/invoke?sp=%2Ft&sig=abc';
    expect(teamsSettings.parse({ webhookUrl: flow })).toEqual({ webhookUrl: flow });
    expect(teamsSettings.safeParse({ webhookUrl: 'http://127.0.0.1:1/x' }).success).toBe(true);
  });

  it('tell the same flow by its path, whatever its signature', () => {
    const key = (webhookUrl: string) => teams.accountKey({ webhookUrl });
    expect(key('https://a.example/flow?sig=1')).toBe(key('https://a.example/flow?sig=2'));
    expect(key('https://a.example/flow?sig=1')).not.toBe(key('https://a.example/other?sig=1'));
  });
});

describe('the stand-in', () => {
  it('answers 202 to what it will never show, as Teams does', async () => {
    const card = JSON.parse(render()) as { attachments: [{ content: Record<string, unknown> }] };
    card.attachments[0].content['version'] = '1.5';
    const post = (body: unknown) =>
      fetch(server.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    expect((await post(card)).status).toBe(202);
    expect((await post({ type: 'message' })).status).toBe(202);
    expect(
      (await post(JSON.parse(render({ route: { runbook: null, note: 'ж'.repeat(100), fields: {} } })))).status,
    ).toBe(202);
    expect(server.runs.map(({ faults }) => faults.length > 0)).toEqual([true, true, false]);
    expect(server.cards).toHaveLength(1);
  });

  it('refuses a wrong signature and a URL encoded anew', async () => {
    const post = async (url: string) => (await fetch(url, { method: 'POST', body: '{}' })).status;
    expect(await post(`${server.url}x`)).toBe(401);
    expect(await post(server.url.replaceAll('%2F', '/'))).toBe(401);
  });
});
