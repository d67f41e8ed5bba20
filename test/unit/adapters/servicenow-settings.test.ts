import { describe, expect, it } from 'vitest';
import { servicenow } from '#adapters/servicenow/index.ts';
import { codePoints } from '#adapters/shared/cut.ts';
import { communicationView } from '#test/support/steps.ts';
import { startServiceNow, UPDATED } from './servicenow-harness.ts';

const VALID = {
  mode: 'incident',
  instanceUrl: 'https://contoso.service-now.com',
  auth: { type: 'basic', username: 'svc', password: 'a-password-9' },
};

function faults(change: Record<string, unknown>): string[] {
  const issues = servicenow.settings.safeParse({ ...VALID, ...change }).error?.issues ?? [];
  return issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

describe('settings', () => {
  it('take what the design’s example holds, and fill in the delivered defaults', () => {
    expect(servicenow.settings.parse({ ...VALID, fields: { assignment_group: 'x' } })).toMatchObject({
      closeCode: 'Solution provided',
      reopen: 'reopen',
      states: { new: '1', inProgress: '2', resolved: '6', closed: '7', canceled: '8' },
      impactUrgency: { critical: { impact: '1', urgency: '1' } },
    });
  });

  it('know two modes, whose records are not found by one another', () => {
    expect(faults({ mode: 'events' })).toEqual(['mode: must be incident or event']);
    const keyOf = (mode: string) => servicenow.accountKey(servicenow.settings.parse({ ...VALID, mode }));
    expect(keyOf('event')).not.toBe(keyOf('incident'));
  });

  it.each([
    ['priority', '1', /set by the relay/],
    ['correlation_id', 'x', /set by the relay/],
    ['comments', 'hello', /set by the relay/],
    ['Assignment Group', 'x', /not the name of a column/],
    ['category', '{{servce}}', /placeholder that does not exist: \{\{servce\}\}/],
  ])('refuse the field %s with %s', (name, value, fault) => {
    expect(faults({ fields: { [name]: value } })).toEqual([expect.stringMatching(fault)]);
  });

  it.each(['not a url', 'ftp://contoso.example', 'https://user:pw@contoso.example', 'https://contoso.example/?x=1'])(
    'refuse %s as instance',
    (instanceUrl) => expect(faults({ instanceUrl })).toEqual([expect.stringMatching(/^instanceUrl: must/)]),
  );

  it('keep the account when only the password changes, and not when the instance does', () => {
    const keyOf = (change: object) => servicenow.accountKey(servicenow.settings.parse({ ...VALID, ...change }));
    expect(keyOf({ auth: { type: 'apiKey', token: 'another-1' } })).toBe(keyOf({}));
    expect(keyOf({ instanceUrl: 'https://contoso.service-now.com/' })).toBe(keyOf({}));
    expect(keyOf({ instanceUrl: 'https://fabrikam.service-now.com' })).not.toBe(keyOf({}));
  });
});

describe('texts', () => {
  it('keep tracking ID and mark within 160 characters of any script', async () => {
    const { deliver, server, writes } = await startServiceNow();
    const headline = `[Outage] Container Registry, West Europe +39: ${'👩‍👩‍👧 西欧 '.repeat(60)} (CNT1-0AR)`;
    await deliver({ test: true, incident: { headline } });
    const title = writes()[0]?.values['short_description'] ?? '';
    expect(codePoints(title)).toBeLessThanOrEqual(160);
    expect(title).toMatch(/^TEST: \[Outage\].* … \[cut\] \(CNT1-0AR\)$/u);
    expect(server.incidents()[0]?.columns['short_description']).toBe(title);
  });

  it('cut Microsoft’s words and keep links and reference at the end', async () => {
    const { deliver, server, writes } = await startServiceNow();
    const communication = communicationView({ html: `<p>${'long words '.repeat(2_000)}</p>` });
    await deliver({ communication });
    await deliver({ ...UPDATED, communication }, { stepKey: 'dlv_9_2' });
    const texts = [server.incidents()[0]?.columns['description'], writes()[1]?.values['work_notes']];
    for (const text of texts) {
      expect(codePoints(text ?? '')).toBeLessThanOrEqual(4_000);
      expect(text).toContain('[cut]');
      expect(text).toContain('https://relay.example/incidents/inc_01k7q2v9m3x4');
      expect(text).toContain('https://wiki.example/azure-outage');
    }
    expect(texts[1]).toMatch(/Relay reference: dlv_9_2$/);
  });

  it('do not let anybody’s words switch the journal to HTML', async () => {
    const { deliver, server } = await startServiceNow();
    const communication = communicationView({ html: '[code]<a href="https://evil.example">x</a>[/CODE]' });
    await deliver({ incident: { headline: 'x [code]y[/code]' }, communication });
    await deliver({ ...UPDATED, communication, changes: ['[code]<b>z</b>[/code]'] });
    expect(JSON.stringify(server.incidents())).not.toMatch(/\[\/?code\]/i);
  });

  it('leave out what a redacted destination must not hear', async () => {
    const { deliver, server } = await startServiceNow();
    const destination = { name: 'itsm', id: 'itsm', timezone: 'UTC', sensitive: 'redacted' } as const;
    await deliver({}, { destination });
    expect(server.incidents()[0]?.columns['description']).not.toContain('Impact Statement');
  });
});

describe('notes', () => {
  it('say who is hit by now and what was held back: growth is in the next message', async () => {
    const { deliver, server } = await startServiceNow();
    await deliver();
    await deliver({
      ...UPDATED,
      audience: { subscriptions: [{ id: 'a', name: 'Payments prod', team: null }], total: 211 },
      incident: { revision: 2, details: { 'Held back': '3 alerts of our own in the same place' } },
    });
    const note = server.incidents()[0]?.workNotes.at(-1);
    expect(note).toContain('Subscriptions: Payments prod and 210 more (211 in all)');
    expect(note).toContain('Held back: 3 alerts of our own in the same place');
  });

  it('keep a share for Microsoft’s text where there are many facts', async () => {
    const { deliver, server } = await startServiceNow();
    const details = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`Detail ${i}`, 'x '.repeat(300)]));
    await deliver({
      incident: { details },
      communication: communicationView({ html: `<p>${'Pulls fail. '.repeat(400)}</p>` }),
    });
    const description = server.incidents()[0]?.columns['description'] ?? '';
    expect(description.split('Pulls fail.').length).toBeGreaterThan(100);
    expect(description).toContain('https://relay.example/incidents/');
    expect(codePoints(description)).toBeLessThanOrEqual(4_000);
  });
});
