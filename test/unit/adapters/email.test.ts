/** Mails as people get them, on a real SMTP server, and what its refusals and silences mean. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { email } from '#adapters/email/index.ts';
import { closeTransports } from '#adapters/email/transport.ts';
import { subjectOf } from '#adapters/email/render.ts';
import { emailSettings, type EmailSettings } from '#adapters/email/settings.ts';
import type { DeliverContext, Memo } from '#src/core/adapter.ts';
import { communicationView, makeContext, makeStep } from '#test/support/steps.ts';
import { mailFaults } from '#test/support/vendors/mail-faults.ts';
import { SmtpStandIn } from '#test/support/vendors/smtp.ts';

const [SRE, DUTY, BOSS] = ['sre@contoso.example', 'duty@contoso.example', 'boss@contoso.example'] as const;

let server: SmtpStandIn;
let settings: EmailSettings;
beforeEach(async () => {
  server = await new SmtpStandIn().start();
  settings = emailSettings.parse({
    smtpUrl: server.smtpUrl,
    from: 'Relay <relay@contoso.example>',
    to: [SRE, DUTY, BOSS],
  });
});
afterEach(async () => {
  closeTransports();
  await server.stop();
});

const deliver = (
  overrides: Parameters<typeof makeStep>[0] = {},
  context: Partial<DeliverContext<EmailSettings>> = {},
) => email.deliver(makeStep(overrides), makeContext({ settings, ...context }));

describe('a mail', () => {
  it('has a text part and a harmless HTML part that say the same', async () => {
    const html =
      '<p onclick="x()">Pulls <strong>fail</strong>.</p><script>alert(1)</script><a href="javascript:x">a</a>';
    expect(await deliver({ communication: communicationView({ html }) })).toMatchObject({
      outcome: 'accepted',
      status: 250,
    });
    const { mail } = server.mails[0] ?? {};
    expect(mail?.text).toContain('Pulls fail.');
    expect(mail?.html).toContain('<p>Pulls <strong>fail</strong>.</p>');
    expect(mail?.html).not.toMatch(/<script|onclick|javascript:|<img/i);
    for (const part of [mail?.text, String(mail?.html)]) {
      expect(part).toContain('23 Nov 2026, 08:05 UTC (09:05 Europe/Berlin)');
      expect(part).toContain('https://relay.example/incidents/inc_01k7q2v9m3x4');
    }
    expect(server.mails[0]?.raw).toMatch(/multipart\/alternative[\s\S]*text\/plain[\s\S]*text\/html/);
  });

  it('passes a strict server whatever it is about, and one with a header of somebody else does not', async () => {
    const hostile = 'Bcc: a@evil.example\r\nX-Evil: 1\r\n\r\n\u{202E}"ä"\n.\n'.repeat(40);
    await deliver({
      incident: { title: hostile, headline: hostile, trackingId: 'A\r\nB', details: { [hostile]: hostile } },
      communication: communicationView({ title: hostile, html: 'x'.repeat(5_000) + hostile }),
      changes: [hostile],
      route: { runbook: null, note: hostile, fields: {} },
    });
    expect(server.refusals).toEqual([]);
    const raw = server.mails[0]?.raw ?? '';
    expect(mailFaults(raw)).toEqual([]);
    expect(
      mailFaults(raw.replace('Subject:', 'Bcc: a@evil.example\r\nBcc: b@evil.example\r\nX-Evil: ä\r\nSubject:')),
    ).toEqual(['a header that is not ASCII', 'more than one bcc', 'an unknown header x-evil']);
    expect(mailFaults(raw.replace(/^Auto-Submitted.*\r\n/im, ''))).toEqual(['no auto-submitted']);
    expect(mailFaults(`${raw}${'x'.repeat(999)}\r\n`)).toEqual(['a line over 998 octets']);
    expect(mailFaults(`${raw}a\nb\r\n`)).toEqual(['a line end that is not CR LF']);
  });

  it('carries the headers that group it, and that stop automatic answers', async () => {
    const context = { stepKey: 'dlv_1_7', vendorKey: 'abc123' };
    await deliver({}, context);
    const { mail } = server.mails[0] ?? {};
    expect(mail?.messageId).toBe('<dlv_1_7@contoso.example>');
    expect(mail?.inReplyTo).toBe('<abc123@contoso.example>');
    expect(mail?.references).toBe('<abc123@contoso.example>');
    const header = (name: string) => mail?.headers.get(name);
    expect(header('auto-submitted')).toBe('auto-generated');
    expect(header('x-auto-response-suppress')).toBe('All');
    expect(header('thread-topic')).toBe(mail?.subject);
    expect(server.mails[0]?.raw).toMatch(/^List-Id: .*<contoso\.health-relay\.contoso\.example>/im);
  });

  it('keeps subject and first reference for the whole incident, even when headline and sender change', async () => {
    let memo: Memo = {};
    for (const [i, action] of (['open', 'update', 'resolve', 'note'] as const).entries()) {
      settings = { ...settings, from: `relay@${i}.example` };
      const headline = `[Outage] Container Registry, West Europe +${i}: pulls fail (CNT1-0AR)`;
      memo = (await deliver({ action, incident: { headline } }, { memo })).memo ?? memo;
    }
    expect(server.mails).toHaveLength(4);
    expect(new Set(server.mails.map(({ mail }) => mail.subject)).size).toBe(1);
    expect(new Set(server.mails.map(({ mail }) => String(mail.references))).size).toBe(1);
    expect(new Set(server.mails.map(({ mail }) => mail.messageId)).size).toBe(4);
    expect(server.mails[0]?.mail.subject).not.toMatch(/active|resolved/i);
    expect(server.mails[2]?.mail.text).toMatch(/^RESOLVED|^Active/);
  });

  it('has the same Message-ID when a step is repeated, and says that it may be a repeat', async () => {
    await deliver({}, { stepKey: 'dlv_1_1' });
    await deliver({ repeat: true }, { stepKey: 'dlv_1_1' });
    expect(server.mails[1]?.mail.messageId).toBe(server.mails[0]?.mail.messageId);
    expect(server.mails[1]?.mail.subject).toBe(server.mails[0]?.mail.subject);
    expect(server.mails[1]?.mail.text).toContain('You may have seen this before');
  });

  it('takes no header from the headline', async () => {
    await deliver({ incident: { headline: '[Outage] x\r\nBcc: evil@evil.example\r\n\r\nbody \u{202E}gnp' } });
    expect(server.mails[0]?.to).toEqual([SRE, DUTY, BOSS]);
    expect(server.mails[0]?.mail.subject).toBe('[Outage] x Bcc: evil@evil.example body gnp');
  });

  it('keeps the tracking ID in a subject that is cut', () => {
    const headline = `[Outage] Container Registry: ${'pulls fail '.repeat(40)}(CNT1-0AR)`;
    const subject = subjectOf(makeStep({ incident: { headline } }));
    expect(Array.from(subject).length).toBeLessThanOrEqual(150);
    expect(subject).toMatch(/… \[cut\] \(CNT1-0AR\)$/);
  });
});

describe('recipients', () => {
  it('who are refused are counted, and a retry of the step goes to them only', async () => {
    server.refuse.set(DUTY, 550);
    server.refuse.set(BOSS, 550);
    const first = await deliver({}, { stepKey: 'dlv_1_1' });
    expect(first).toMatchObject({
      outcome: 'accepted',
      receipt: {
        acceptedRecipients: 1,
        rejectedRecipients: 2,
        refused: ['du…@contoso.example (550)', 'bo…@contoso.example (550)'],
      },
    });
    expect(JSON.stringify(first)).not.toContain(DUTY);
    server.refuse.clear();
    const again = await deliver({}, { stepKey: 'dlv_1_1', memo: first.memo ?? {} });
    expect(again).toMatchObject({ outcome: 'accepted', receipt: { acceptedRecipients: 3, rejectedRecipients: 0 } });
    await deliver({}, { stepKey: 'dlv_1_2', memo: first.memo ?? {} });
    expect(server.mails.map(({ to }) => to)).toEqual([[SRE], [DUTY, BOSS], [SRE, DUTY, BOSS]]);
  });

  it('who are refused for now are tried again, alone, and a few times only', async () => {
    server.refuse.set(DUTY, 550);
    server.refuse.set(BOSS, 451);
    let memo: Memo = {};
    const outcomes: string[] = [];
    for (let i = 0; i < 5; i++) {
      const outcome = await deliver({}, { stepKey: 'dlv_1_1', memo });
      memo = outcome.memo ?? memo;
      outcomes.push(outcome.outcome);
    }
    expect(outcomes).toEqual(Array.from({ length: 5 }, () => 'retryable'));
    expect(server.mails.map(({ to }) => to)).toEqual([[SRE]]);
    const last = await deliver({}, { stepKey: 'dlv_1_1', memo });
    expect(last).toMatchObject({ outcome: 'accepted', receipt: { acceptedRecipients: 1, rejectedRecipients: 2 } });
    server.refuse.delete(BOSS);
    await deliver({ repeat: false }, { stepKey: 'dlv_1_1', memo });
    expect(server.mails.map(({ to }) => to)).toEqual([[SRE], [BOSS]]);
  });

  it.each([
    [550, 550, { outcome: 'permanent', reason: 'refused' }],
    [550, 451, { outcome: 'retryable', reason: 'server-error' }],
    [451, 451, { outcome: 'retryable', reason: 'server-error' }],
  ])('who are all refused with %i and %i end it', async (one, other, outcome) => {
    server.refuse.set(SRE, one).set(DUTY, other).set(BOSS, one);
    expect(await deliver()).toMatchObject(outcome);
    expect(server.mails).toEqual([]);
  });
});

describe('what goes wrong', () => {
  it.each([
    [
      { at: 'from', kind: 'refuse', code: 550 },
      { outcome: 'permanent', reason: 'refused', status: 550 },
    ],
    [
      { at: 'from', kind: 'refuse', code: 421 },
      { outcome: 'retryable', status: 421 },
    ],
    [{ at: 'from', kind: 'drop' }, { outcome: 'retryable' }],
    [{ at: 'connect', kind: 'drop' }, { outcome: 'retryable' }],
    [{ at: 'connect', kind: 'refuse', code: 554 }, { outcome: 'permanent' }],
    [
      { at: 'data', kind: 'refuse', code: 554 },
      { outcome: 'permanent', reason: 'refused', status: 554 },
    ],
    [
      { at: 'data', kind: 'refuse', code: 451 },
      { outcome: 'retryable', status: 451 },
    ],
    [
      { at: 'data', kind: 'drop', taken: true },
      { outcome: 'unknown', reason: 'reset' },
    ],
    [
      { at: 'data', kind: 'drop', taken: false },
      { outcome: 'unknown', reason: 'reset' },
    ],
  ] as const)('%o is %o, and the next mail goes through', async (fault, outcome) => {
    server.failNext(fault);
    expect(await deliver()).toMatchObject(outcome);
    expect((await deliver()).outcome).toBe('accepted');
  });

  it('a message that is too large goes out smaller, once', async () => {
    const fault = { at: 'data', kind: 'refuse', code: 552 } as const;
    server.failNext(fault);
    expect(await deliver()).toMatchObject({ outcome: 'accepted' });
    server.failNext(fault);
    server.failNext(fault);
    expect(await deliver()).toMatchObject({ outcome: 'permanent', reason: 'too-large' });
    expect(server.mails).toHaveLength(1);
  });

  it('silence after the data is unknown and ends with the deadline', async () => {
    server.failNext({ at: 'data', kind: 'hang', taken: true });
    const deadline = new AbortController();
    const outcome = deliver({}, { signal: deadline.signal });
    await expect.poll(() => server.mails.length).toBe(1);
    deadline.abort();
    // The connection's own limit would end it as a time-out.
    expect(await outcome).toMatchObject({ outcome: 'unknown', reason: 'aborted' });
    expect(server.mails).toHaveLength(1);
  });

  it('what may have arrived fixes subject and first reference for all that follows', async () => {
    server.failNext({ at: 'data', kind: 'drop', taken: true });
    const unknown = await deliver({}, { stepKey: 'dlv_1_1', vendorKey: 'abc123' });
    expect(unknown).toMatchObject({ outcome: 'unknown' });
    settings = { ...settings, from: 'relay@moved.example' };
    const headline = '[Outage] Container Registry, West Europe +3: pulls fail (CNT1-0AR)';
    const context = { stepKey: 'dlv_1_1', vendorKey: 'abc123', memo: unknown.memo ?? {} };
    await deliver({ repeat: true, incident: { headline } }, context);
    expect(new Set(server.mails.map(({ mail }) => mail.subject)).size).toBe(1);
    expect(server.mails.map(({ mail }) => mail.references)).toEqual([
      '<abc123@contoso.example>',
      '<abc123@contoso.example>',
    ]);
  });

  it('a wrong password is permanent and stays secret', async () => {
    settings = { ...settings, smtpUrl: server.smtpUrl.replace('relay:', 'relay:wrong-') };
    const outcome = await deliver();
    expect(outcome).toMatchObject({ outcome: 'permanent', reason: 'unauthorized', status: 535 });
    expect(JSON.stringify(outcome)).not.toContain('wrong-');
  });

  it('no listener is retryable', async () => {
    await server.stop();
    expect(await deliver()).toMatchObject({ outcome: 'retryable', reason: 'connect' });
    server = await new SmtpStandIn().start();
  });

  it('connections are kept for the next mail', async () => {
    for (let i = 0; i < 5; i++) await deliver();
    expect(server.mails).toHaveLength(5);
    expect(server.connections).toBe(1);
  });
});

describe('the settings', () => {
  const good = { smtpUrl: 'smtp://u:p%40ss@mail.example:587', from: 'relay@contoso.example', to: [SRE] };
  it.each([
    ['smtpUrl', 'https://mail.example'],
    ['smtpUrl', 'smtp://mail.example?pool=true'],
    ['smtpUrl', 'smtp://user@mail.example'],
    ['from', 'nobody'],
    ['from', 'a@x.example, b@x.example'],
    ['from', 'a@x.example\r\nBcc: b@x.example'],
    ['to', []],
    ['to', SRE],
    ['to', ['sre']],
    ['auth', { type: 'oauth2', user: 'u' }],
  ])('refuse %s: %o', (key, value) => {
    expect(emailSettings.safeParse({ ...good, [key]: value }).success).toBe(false);
  });

  it('know the password as it stands in the URL and as it is', () => {
    expect(email.secrets(emailSettings.parse(good))).toEqual(expect.arrayContaining(['p%40ss', 'p@ss']));
  });
});
