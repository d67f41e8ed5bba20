/** Slack messages as people see them, within the limits, and what the webhook's answers mean. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { slack } from '#adapters/slack/index.ts';
import { escapeMrkdwn, fitMrkdwn, mrkdwnLink, toMrkdwn } from '#adapters/slack/mrkdwn.ts';
import { renderMessage, TOTAL_CHARS_MAX } from '#adapters/slack/render.ts';
import { slackSettings } from '#adapters/slack/settings.ts';
import { communicationView, makeContext, makeStep } from '#test/support/steps.ts';
import { SlackServer } from '#test/support/vendors/slack.ts';

let server: SlackServer;
beforeEach(async () => {
  server = await new SlackServer().start();
});
afterEach(() => server.stop());

const deliver = (overrides: Parameters<typeof makeStep>[0] = {}) =>
  slack.deliver(makeStep(overrides), makeContext({ settings: { webhookUrl: server.url } }));

describe('a message', () => {
  it('says how it stands, what, where, when, what changed, who, links, and what Microsoft says', async () => {
    const changes = ['West Europe was joined by North Europe.'];
    expect(await deliver({ action: 'update', changes })).toMatchObject({ outcome: 'accepted', status: 200 });
    const { text, links, fallback } = server.posts[0] ?? { text: '', links: [], fallback: '' };
    const wanted = [
      '[Outage] Container Registry, West Europe: Image pulls fail in West Europe (CNT1-0AR)',
      ':red_circle: *Active*',
      '*Service and region:* Container Registry: West Europe',
      '*Started:* 23 Nov 2026, 08:05 UTC (09:05 Europe/Berlin)',
      '• West Europe was joined by North Europe.',
      '*Subscriptions:* Payments prod (payments)',
      'Timeline',
      '*What Microsoft says*',
      'Impact Statement: Starting at 08:05 UTC',
    ];
    const places = wanted.map((part) => text.indexOf(part));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(links).toEqual([
      'https://relay.example/incidents/inc_01k7q2v9m3x4',
      'https://app.azure.com/h/CNT1-0AR/5c3b10',
      'https://wiki.example/azure-outage',
      'https://status.azure.com',
    ]);
    expect(fallback).toBe(
      'Active: [Outage] Container Registry, West Europe: Image pulls fail in West Europe (CNT1-0AR)',
    );
  });

  it.each([
    [{ action: 'resolve', incident: { state: 'resolved', stage: 'Resolved' } }, ':large_green_circle: *RESOLVED*'],
    [{ repeat: true }, ':red_circle: *REPEAT · Active*'],
    [{ test: true }, ':red_circle: *TEST · Active*'],
    [{ action: 'note', incident: { stage: 'RCA', state: 'resolved' } }, ':white_circle: *Root cause analysis*'],
  ] as const)('for %o begins with %s', async (overrides, stage) => {
    await deliver(overrides);
    expect(server.posts[0]?.text).toContain(stage);
  });

  it('calls nobody and makes no link, whatever Microsoft or an attacker wrote', async () => {
    const hostile = '<!channel> <@U123> <https://evil.example|Azure portal> & <b>';
    await deliver({
      incident: { headline: hostile, title: hostile, details: { [hostile]: hostile } },
      communication: communicationView({ title: hostile, html: hostile.replaceAll('<', '&lt;') }),
      changes: [hostile],
      route: { runbook: null, note: hostile, fields: {} },
    });
    expect(server.refusals).toEqual([]);
    expect(server.mentions).toBe(0);
    expect(server.posts[0]?.text.match(/<!channel>/g)?.length).toBeGreaterThanOrEqual(4);
    expect(server.requests[0]?.body).not.toMatch(/<[!@]/);
  });

  it('has no empty bold line where Microsoft gave no title, and takes an address that no section can hold as text', async () => {
    const href = `https://status.example/${'a'.repeat(2_960)}`;
    await deliver({
      communication: communicationView({ title: '', html: `<p>${`<a href="${href}">guide</a> `.repeat(4)}</p>` }),
    });
    expect(server.refusals).toEqual([]);
    expect(server.requests[0]?.body).not.toContain('**');
    expect(server.posts[0]?.links).not.toContain(href);
  });

  it('is refused by the stand-in with a header that is not escaped', async () => {
    const body = { text: 'a', blocks: [{ type: 'header', text: { type: 'plain_text', text: 'a < b' } }] };
    const answer = await fetch(server.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect(answer.status).toBe(400);
    expect(server.refusals).toEqual(['invalid_blocks: not escaped: a < b']);
  });
});

describe('the limits', () => {
  it.each(['outage ', '西欧容器。', '👩‍👩‍👧‍👦', '<&>', 'https://x.example/a?b=1&c=2 ', 'nospace'])(
    'hold for 9,000 times %s, and the links stay',
    async (word) => {
      const outcome = await deliver({
        incident: {
          headline: word.repeat(100),
          details: Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`Detail ${i}`, word.repeat(100)])),
        },
        changes: Array.from({ length: 50 }, (_, i) => `Change ${i}: ${word.repeat(20)}`),
        communication: communicationView({ title: word.repeat(100), html: `<p>${word.repeat(9_000)}</p>` }),
        route: { runbook: `https://wiki.example/${'x'.repeat(1_500)}`, note: word.repeat(500), fields: {} },
      });
      expect(server.refusals).toEqual([]);
      expect(outcome).toMatchObject({ outcome: 'accepted' });
      expect(server.posts[0]?.text).toContain('[cut]');
      expect(server.posts[0]?.text.isWellFormed()).toBe(true);
      expect(server.posts[0]?.links).toContain('https://relay.example/incidents/inc_01k7q2v9m3x4');
    },
  );

  it('leave what is not needed elsewhere to the text of Microsoft', () => {
    const step = makeStep({ communication: communicationView({ html: `<p>${'outage '.repeat(9_000)}</p>` }) });
    const destination = { name: 'chat', id: 'chat', timezone: 'UTC', sensitive: 'full' } as const;
    const { blocks } = renderMessage(step, { destination });
    const total = blocks.reduce((sum, { text }) => sum + text.text.length, 0);
    expect(total).toBeGreaterThan(TOTAL_CHARS_MAX * 0.95);
    expect(total).toBeLessThanOrEqual(TOTAL_CHARS_MAX);
  });
});

describe('mrkdwn', () => {
  it('escapes the three characters and links addresses within text', () => {
    expect(escapeMrkdwn('a < b > c & d')).toBe('a &lt; b &gt; c &amp; d');
    expect(toMrkdwn('see guide (https://x.example/a?b=1&c=2), or <https://y.example>.')).toBe(
      'see guide (<https://x.example/a?b=1&amp;c=2>), or &lt;<https://y.example>&gt;.',
    );
    expect(mrkdwnLink('a|b', 'https://x.example/|?a&b')).toBe('<https://x.example/%7C?a&amp;b|a/b>');
  });

  it('cuts to what is left after escaping, and never links half an address', () => {
    for (let max = 30; max < 120; max++) {
      const cut = fitMrkdwn(
        'a & b & c '.repeat(5) + 'https://status.example/a/very/long/address/of/a/page after that comes more text',
        max,
      );
      expect(cut.length).toBeLessThanOrEqual(max);
      expect(cut).not.toMatch(/<https:(?!\/\/status\.example\/a\/very\/long\/address\/of\/a\/page>)/);
      expect(cut).not.toMatch(/&(?!amp;|lt;|gt;)/);
    }
  });
});

describe('the answers', () => {
  it.each([
    [400, 'invalid_payload', { outcome: 'permanent', reason: 'invalid-request' }],
    [403, 'action_prohibited', { outcome: 'permanent', reason: 'forbidden' }],
    [404, 'no_service', { outcome: 'permanent', disableDestination: true }],
    [410, 'channel_is_archived', { outcome: 'permanent', reason: 'gone' }],
    [429, 'rate_limited', { outcome: 'retryable', reason: 'rate-limited' }],
    [500, 'rollup_error', { outcome: 'retryable', reason: 'server-error' }],
    [200, 'invalid_token', { outcome: 'retryable', reason: 'wrong-body' }],
    [200, 'ok\n', { outcome: 'accepted' }],
  ])('%i with %s', async (status, body, outcome) => {
    server.failNext({ kind: 'answer', answer: { status, body } });
    expect(await deliver()).toMatchObject(outcome);
  });

  it.each([
    [404, 'channel_not_found'],
    [410, 'channel_is_archived'],
    [403, 'team_disabled'],
  ])('%i with %s marks the destination as broken (destinations 0.2)', async (status, body) => {
    server.failNext({ kind: 'answer', answer: { status, body } });
    expect(await deliver()).toMatchObject({ outcome: 'permanent', disableDestination: true });
  });

  it('too long for Slack is sent once more with less text', async () => {
    server.failNext({ kind: 'answer', answer: { status: 400, body: 'msg_blocks_too_long' } });
    expect(await deliver({ changes: ['x'.repeat(500)] })).toMatchObject({ outcome: 'accepted' });
    const [first, second] = server.requests.map(({ body }) => body.length);
    expect(second).toBeLessThan(first ?? 0);
  });
});

it('settings refuse the Web API and what is no URL, without naming it', () => {
  for (const webhookUrl of ['https://slack.com/api/chat.postMessage', 'xoxb-secret-token', 'ftp://x.example/a']) {
    const { success, error } = slackSettings.safeParse({ webhookUrl });
    expect(success).toBe(false);
    expect(error?.message).not.toContain('xoxb');
  }
  expect(slackSettings.safeParse({ webhookUrl: 'https://hooks.slack.com/services/T0/B0/abcdefgh' }).success).toBe(true);
});

it('takes no trigger of a Slack workflow, which would be sent the same message for a day and show nothing', () => {
  for (const path of ['triggers/T0/123/abcdefgh', 'workflows/T0/A0/123/abcdefgh']) {
    const { success, error } = slackSettings.safeParse({ webhookUrl: `https://hooks.slack.com/${path}` });
    expect(success).toBe(false);
    expect(error?.message).toContain('hooks.slack.com/services/');
    expect(error?.message).not.toContain('abcdefgh');
  }
});
