/** Two relays of one relayId in front of one vendor: what the vendor folds by its key, and what it does not. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { fixture } from '#test/support/fixtures.ts';
import { TOKEN, type TestRelay } from '#test/support/relay.ts';
import {
  openTwoRegions,
  openTwoStores,
  peerPart,
  stopTwoStores,
  type TwoRegions,
  type TwoStores,
} from '#test/support/two-regions.ts';
import { OpsgenieServer } from '#test/support/vendors/opsgenie.ts';
import { SmtpStandIn } from '#test/support/vendors/smtp.ts';
import { SERVICENOW_CREDENTIALS, ServiceNowServer } from '#test/support/vendors/servicenow.ts';
import { WebhookServer } from '#test/support/vendors/webhook.ts';

const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';

describe('two relays, one vendor', () => {
  let stores: TwoStores;
  let pair: TwoRegions;
  let genie: OpsgenieServer;
  let snow: ServiceNowServer;
  let hook: WebhookServer;
  let east: TestRelay;
  let west: TestRelay;

  beforeAll(async () => {
    stores = await openTwoStores('postgres');
  });
  afterAll(() => stopTwoStores(stores));
  beforeEach(async () => {
    pair = await openTwoRegions(stores);
    genie = await new OpsgenieServer().start();
    snow = await new ServiceNowServer().start();
    hook = await new WebhookServer(SECRET).start();
  });
  afterEach(async () => {
    await pair.stop();
    await Promise.all([genie.stop(), snow.stop(), hook.stop()]);
  });

  async function start(standby: string, pager = ''): Promise<void> {
    const { username, password } = SERVICENOW_CREDENTIALS;
    const lines = (region: 'east' | 'west'): string => {
      const waits = region === 'west' ? standby : '';
      return `  jsm: { type: opsgenie, apiKey: 01234567-89ab-cdef-0123-456789abcdef, apiUrl: "${genie.apiUrl}" }
  itsm: { type: servicenow, instanceUrl: "${snow.url}", auth: { type: basic, username: ${username}, password: ${password} }${waits} }
  hook: { type: webhook, url: "${hook.url}/hook", secret: "${SECRET}" }
`;
    };
    const to = 'oncall, jsm, itsm, hook';
    east = await pair.start('east', { destinations: lines('east'), to });
    // One look that fails on a busy machine must not make the other tell; that it is gone is found out by asking.
    const config = pair
      .yaml('west', { destinations: lines('west'), to })
      .replace(/missingAfter: \w+/, 'missingAfter: 1m');
    west = await pair.startAs('west', config.replace('type: pagerduty,', `type: pagerduty,${pager}`));
    await expect.poll(async () => (await peerPart(west))?.status).toBe('ok');
  }
  const alert = (body: unknown, to = [east, west]) =>
    Promise.all(
      to.map(async ({ url }) => {
        const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
        const answer = await fetch(`${url}/v1/receivers/azure-monitor`, {
          method: 'POST',
          headers,
          body: JSON.stringify(body),
        });
        return ((await answer.json()) as { signals: { incident: string; outcome: string }[] }).signals[0]!;
      }),
    );

  test('PagerDuty and Opsgenie get the same key from both, in each episode of an alert', async () => {
    await start('');
    const fired = fixture('webhook-common/metric-acr-fired.json');
    const resolved = fixture('webhook-common/metric-acr-resolved.json');
    for (const body of [fired, resolved, firedAgain()]) {
      const told = await alert(body);
      await Promise.all(told.map(({ incident }, index) => [east, west][index]!.level(incident, 4)));
    }
    const triggers = pair.pager.entries.filter((entry) => entry.event === 'trigger');
    expect(triggers.length).toBeGreaterThanOrEqual(4);
    expect(new Set(triggers.map((entry) => entry.dedupKey)).size).toBe(2);
    expect(pair.pager.pages).toBe(2);
    expect(genie.pages).toBe(2);
    // A receiver of webhooks gets everything twice, under ids of each relay, with one key to fold by.
    expect(new Set(hook.events.map((event) => event.body.data.vendorKey)).size).toBe(2);
    expect(hook.events).toHaveLength(6);
  });

  test.each([
    ['without standby', 3, ''],
    ['with the pager of one on standby', 2, ' standby: true,'],
  ])('%s, two firings of an alert make %i pages once one relay has missed the first', async (_, pages, pager) => {
    await start('', pager);
    for (const name of ['fired', 'resolved']) {
      const [told] = await alert(fixture(`webhook-common/metric-acr-${name}.json`), [east]);
      await east.level(told!.incident, 4);
    }
    const told = await alert(firedAgain());
    await Promise.all(told.map(({ incident }, index) => [east, west][index]!.level(incident, 4)));
    expect(pair.pager.pages).toBe(pages);
  });

  test.each([
    ['after it was left to the other', true],
    ['before the grace was over', false],
  ])(
    'a page that one has opened is resolved by the other, on standby, once the first is gone: %s',
    async (_, settled) => {
      await start('', ' standby: true,');
      const news = { trackingId: 'KEYS-003', level: 'Error' };
      await pair.post([east, west], { ...news, communication: 1, stage: 'Active' });
      await east.level('KEYS-003', 4);
      if (settled) await west.level('KEYS-003', 4);
      await east.stop();
      await pair.post([west], { ...news, communication: 2, stage: 'Resolved' });
      await west.level('KEYS-003', 4);
      expect(pair.pager.pages).toBe(1);
      expect(pair.pager.alerts().map((one) => one.status)).toEqual(['resolved']);
    },
  );

  test('mails of both lie in one thread', async () => {
    const smtp = await new SmtpStandIn().start();
    try {
      const mail = `  mail: { type: email, smtpUrl: "${smtp.smtpUrl}", from: relay@contoso.example, to: [sre@contoso.example] }\n`;
      const more = { destinations: mail, to: 'mail' };
      [east, west] = [await pair.start('east', more), await pair.start('west', more)];
      await pair.post([east, west], { trackingId: 'KEYS-004', communication: 1, stage: 'Active' });
      await Promise.all([east.level('KEYS-004', 1), west.level('KEYS-004', 1)]);
      // A try that was broken off comes again under its own id.
      expect(new Set(smtp.mails.map((one) => one.mail.messageId)).size).toBe(2);
      expect(new Set(smtp.mails.map((one) => [one.mail.references].flat()[0])).size).toBe(1);
      expect(new Set(smtp.mails.map((one) => one.mail.subject)).size).toBe(1);
    } finally {
      await pair.stop();
      await smtp.stop();
    }
  });

  test('ServiceNow finds the record of the other by its correlation id; on standby there is one even in a race', async () => {
    await start(', standby: true');
    snow.failNext({ kind: 'slow', delayMs: 300 }, 2);
    await pair.post([east, west], { trackingId: 'KEYS-001', communication: 1, stage: 'Active', level: 'Error' });
    await Promise.all([east.level('KEYS-001', 4), west.level('KEYS-001', 4)]);
    expect(snow.incidents()).toHaveLength(1);
    await east.stop();
    await pair.post([west], { trackingId: 'KEYS-001', communication: 2, stage: 'Resolved', level: 'Error' });
    await west.level('KEYS-001', 4);
    expect(snow.incidents().map((record) => record.columns['state'])).toEqual(['6']);
    expect(pair.pager.alerts().map((one) => one.status)).toEqual(['resolved']);
  });

  test('without standby two relays that create in the same moment make two records: ServiceNow has no unique key', async () => {
    await start('');
    // Neither hears that there is no record before both have asked.
    const asked = Promise.withResolvers<void>();
    snow.failNext({ kind: 'wait', until: asked.promise }, 2);
    await pair.post([east, west], { trackingId: 'KEYS-002', communication: 1, stage: 'Active', level: 'Error' });
    await expect.poll(() => snow.requests.length).toBe(2);
    asked.resolve();
    await Promise.all([east.level('KEYS-002', 4), west.level('KEYS-002', 4)]);
    expect(snow.incidents()).toHaveLength(2);
    expect(new Set(snow.incidents().map((record) => record.columns['correlation_id'])).size).toBe(1);
  });
});

/** The next firing of the same alert. */
function firedAgain(): unknown {
  const body = fixture('webhook-common/metric-acr-fired.json');
  body.data.essentials.firedDateTime = new Date(Date.now() + 60_000).toISOString();
  return body;
}
