/** The pages in a real browser: log in, filter, follow a storm, retry, note, export, as of a moment; axe on all of them. */
import { existsSync } from 'node:fs';
import axe from 'axe-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { fixture, serviceHealth, subscriptionId } from '#test/support/fixtures.ts';
import { API_TOKEN, openStores, READ_TOKEN, startRelay, type Stores, type TestRelay } from '#test/support/relay.ts';
import { WebhookServer } from '#test/support/vendors/webhook.ts';

const CHROMIUM = '/usr/bin/chromium';
const FLAGS =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync';
const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';
const missing = existsSync(CHROMIUM) ? null : `no ${CHROMIUM}`;

describe.skipIf(missing !== null)(`the pages${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  let stores: Stores;
  let relay: TestRelay;
  let hook: WebhookServer;
  let frail: WebhookServer;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let faults: string[];

  beforeAll(async () => {
    stores = await openStores('embedded');
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS.split(' '), timeout: 50_000 });
  });
  afterAll(async () => {
    await browser.close();
    await stores.stop();
  });
  beforeEach(async () => {
    hook = await new WebhookServer(SECRET).start();
    frail = await new WebhookServer(SECRET).start();
    relay = await startRelay(
      stores,
      `destinations:
  hook: { type: webhook, url: "${hook.url}/hook", secret: "${SECRET}" }
  frail: { type: webhook, url: "${frail.url}/hook", secret: "${SECRET}", retry: { schedule: [100ms] } }
subscriptions: { "${subscriptionId(1)}": { name: Payments prod, team: payments } }
routes: [{ match: { kind: outage }, to: [hook, frail] }, { match: {}, to: [hook] }]
`,
    );
    faults = [];
    await enter(API_TOKEN);
  });
  afterEach(async () => {
    await context.close();
    await relay.stop();
    await hook.stop();
    await frail.stop();
    expect(faults).toEqual([]);
  });

  async function enter(token: string, options: Parameters<Browser['newContext']>[0] = {}, to = '/'): Promise<void> {
    context = await browser.newContext(options);
    page = await context.newPage();
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('console', (message) => {
      if (/Content.Security.Policy/i.test(message.text())) faults.push(message.text());
    });
    await page.goto(relay.url + to);
    await page.getByLabel('Token').fill(token);
    await press('Log in');
  }

  /** Presses what leads to another page, and waits until that is there. */
  async function press(name: string | RegExp): Promise<void> {
    await Promise.all([page.waitForEvent('load'), page.getByRole('button', { name }).click()]);
  }

  /** Until pages have heard of all that has happened: one that is opened then does not draw itself anew over it. */
  async function untilHeard(): Promise<void> {
    const stream = await fetch(`${relay.url}/v1/stream`, { headers: { authorization: `Bearer ${READ_TOKEN}` } });
    await post('LAST-001', 1);
    let heard = '';
    for await (const piece of stream.body!.pipeThrough(new TextDecoderStream()))
      if ((heard += piece).includes('LAST-001')) break;
  }

  /** Some 500 characters that hardly repeat, so that packing them is worth what it is for real posts. */
  const prose = (seed: number): string =>
    Array.from({ length: 70 }, (_, i) =>
      Math.abs(Math.sin(seed * 97 + i) * 1e9)
        .toString(36)
        .slice(0, 7),
    ).join(' ');

  const post = (trackingId: string, communication: number, more: Partial<Parameters<typeof serviceHealth>[0]> = {}) =>
    relay.post(serviceHealth({ trackingId, communication, stage: 'Active', ...more }));

  async function seriousFindings(): Promise<string[]> {
    await page.evaluate(axe.source);
    const found = await page.evaluate<{
      violations: { id: string; impact: string; nodes: { html: string }[] }[];
    }>('axe.run(document, { resultTypes: ["violations"] })');
    return found.violations
      .filter((v) => v.impact === 'serious' || v.impact === 'critical')
      .map((v) => `${v.id}: ${v.nodes[0]?.html}`);
  }

  test('ask for a token, keep it in a cookie that scripts cannot read, and lead back to where one was going', async () => {
    await context.close();
    await post('LOGN-001', 1);
    await enter('a-wrong-token-000000000', {}, '/incidents/LOGN-001');
    expect(await page.getByRole('alert').textContent()).toContain('not known');
    await page.getByLabel('Token').fill(READ_TOKEN);
    await press('Log in');
    expect(new URL(page.url()).pathname).toBe('/incidents/LOGN-001');
    const [cookie] = await context.cookies();
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict' });
    expect(await page.getByRole('button', { name: 'Add note' }).count()).toBe(0);
    await press('Log out');
    await page.goto(`${relay.url}/`);
    expect(new URL(page.url()).pathname).toBe('/login');
  });

  test('filter by what stands in the address', async () => {
    await post('FLTR-001', 1);
    await post('FLTR-002', 1, { regions: ['East US'] });
    await page.goto(`${relay.url}/`);
    await page.getByText('More filters').click();
    await page.getByLabel('Region').fill('East US');
    await press('Find');
    expect(page.url()).toContain('region=East+US');
    await page.getByRole('link', { name: /FLTR-002/ }).waitFor();
    expect(await page.getByRole('link', { name: /FLTR-001/ }).count()).toBe(0);
    await page.goto(`${relay.url}/?from=never`);
    expect(await page.getByText('not a time').count()).toBe(1);
  });

  test('follow a storm live, show a test at once, and say so when the connection is lost', async () => {
    const note = page.locator('#live-note');
    await expect.poll(() => note.textContent()).toBe('Live');
    await relay.post(fixture('webhook-classic/sh-test-notification.json'));
    await page.getByRole('heading', { name: 'Test notifications' }).waitFor();
    for (let n = 1; n <= 30; n++) await post('STORM-01', 1, { subscription: n });
    const row = page.getByRole('row', { name: /STORM-01/ });
    await expect.poll(() => row.getByRole('cell').nth(3).innerText()).toBe('30');
    // By its address: the list is drawn anew while the storm is told, and a click may fall in between.
    await page.goto(relay.url + (await page.getByRole('link', { name: /STORM-01/ }).getAttribute('href')));
    await expect.poll(() => note.textContent()).toBe('Live');
    await page.getByLabel('Note').fill('half a sentence');
    await post('STORM-01', 2, { text: '<p>The cause is found.</p>' });
    await page.locator('.latest').getByText('The cause is found.').waitFor();
    expect(await page.getByLabel('Note').inputValue()).toBe('half a sentence');
    await relay.stop();
    await expect.poll(() => note.textContent()).toContain('Connection lost');
  });

  test('retry a failed delivery, add a note, and both are on the record', async () => {
    frail.failAlways({ kind: 'answer', answer: { status: 400, body: 'no' } });
    await post('RETR-001', 1);
    await page.goto(`${relay.url}/incidents/RETR-001`);
    // The failure is news of its own, which is tried as well; only then all is quiet.
    await page.getByText('frail was not reached').first().waitFor();
    const failed = async (): Promise<unknown> => {
      const { deliveries } = (await relay.get('/v1/incidents/RETR-001/deliveries')).json;
      const frail = deliveries.find((d: { destination: string }) => d.destination === 'frail');
      return [frail.state, frail.wantedRevision, frail.attempts.length];
    };
    await expect.poll(failed).toEqual(['failed', 2, 2]);
    frail.failAlways(null);
    await untilHeard();
    await page.reload();
    await press(/Retry frail/);
    await relay.level('RETR-001', 2);
    expect(frail.events.length).toBeGreaterThan(0);
    await page.getByLabel('Note').fill('Failed over\nby hand <b>');
    await press('Add note');
    await page.locator('ol.story').getByText('by hand <b>').waitFor();
    await page.getByText('frail: tried again by ops').waitFor();
    await press('I am on it');
    await page.locator('ol.clocks').getByText('Acknowledged by ops').waitFor();
  });

  test('show an incident as of a moment, and export it', async () => {
    await post('ASOF-009', 1);
    await relay.level('ASOF-009', 2);
    const then = new Date().toISOString();
    await post('ASOF-009', 2, { stage: 'Resolved' });
    await relay.level('ASOF-009', 2);
    await page.goto(`${relay.url}/incidents/ASOF-009?at=${then}`);
    expect(await page.getByRole('note').textContent()).toContain('As known at');
    expect(await page.locator('.under').textContent()).toContain('active');
    await page.goto(`${relay.url}/incidents/ASOF-009`);
    expect(await page.locator('.under').textContent()).toContain('resolved');
    await page.getByRole('link', { name: 'To print', exact: true }).click();
    await page.getByRole('heading', { name: 'Whose word is whose' }).waitFor();
    const markdown = await page.request.get(
      `${relay.url}/v1/incidents/ASOF-009/timeline?format=markdown&audience=external`,
    );
    expect(await markdown.text()).not.toContain('Payments prod');
  });

  test('take no form from another site, and no change from who may only read', async () => {
    await post('CSRF-001', 1);
    const cookie = (await context.cookies()).map((c) => `${c.name}=${c.value}`).join('; ');
    const send = (headers: Record<string, string>) =>
      fetch(`${relay.url}/incidents/CSRF-001/notes`, {
        method: 'POST',
        redirect: 'manual',
        headers: { 'content-type': 'application/x-www-form-urlencoded', cookie, ...headers },
        body: 'text=x&event=note',
      });
    expect((await send({ origin: 'https://evil.example' })).status).toBe(403);
    expect((await send({ 'sec-fetch-site': 'cross-site', origin: relay.url })).status).toBe(403);
    expect((await send({})).status).toBe(403);
    expect((await send({ origin: relay.url })).status).toBe(303);
    const reader = await relay.call('POST', '/incidents/CSRF-001/notes', undefined, READ_TOKEN);
    expect(reader.status).toBe(403);
  });

  test.each([
    ['light', { colorScheme: 'light' }],
    ['dark', { colorScheme: 'dark' }],
    ['on a phone', { colorScheme: 'light', viewport: { width: 360, height: 740 } }],
  ] as const)('have no serious finding of axe and nothing that overflows, %s', async (_, options) => {
    frail.failAlways({ kind: 'answer', answer: { status: 400, body: 'no' } });
    await post('AXES-001', 1);
    for (let n = 2; n < 12; n++) await post('AXES-001', n, { subscription: n });
    await post('AXES-001', 13, { stage: 'Resolved' });
    await post('AXES-002', 1, { level: 'Critical' });
    await relay.post({ odd: true });
    await relay.call('POST', '/v1/incidents/AXES-001/notes', { text: 'a note' });
    await context.close();
    await enter(API_TOKEN, options);
    const findings: string[] = [];
    for (const path of [
      '/',
      '/incidents/AXES-001',
      '/destinations',
      '/sources',
      '/docs',
      '/incidents/NONE',
      '/login',
    ]) {
      await page.goto(relay.url + path);
      findings.push(...(await seriousFindings()).map((finding) => `${path} ${finding}`));
      const wide = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
      if (Number(wide) > 0) findings.push(`${path} overflows by ${String(wide)}`);
    }
    expect(findings).toEqual([]);
  });

  test('weigh little: four requests, and a long story under 40 KB on the wire', async () => {
    for (let n = 1; n <= 40; n++) await post('HEAV-001', n, { subscription: n, text: `<p>${prose(n)}</p>` });
    await relay.level('HEAV-001', 2);
    await untilHeard();
    await page.goto('about:blank');
    const answer = await page.request.get(`${relay.url}/incidents/HEAV-001`, {
      headers: { 'accept-encoding': 'gzip' },
    });
    const session = await context.newCDPSession(page);
    await session.send('Network.enable');
    let bytes = 0;
    session.on('Network.loadingFinished', (event) => (bytes += event.encodedDataLength));
    const requests: string[] = [];
    page.on('request', (request) => requests.push(request.url()));
    await page.goto(`${relay.url}/incidents/HEAV-001`);
    await expect.poll(() => page.locator('#live-note').textContent()).toBe('Live');
    expect(answer.ok()).toBe(true);
    expect(requests.filter((url) => !url.startsWith('data:')).length).toBeLessThanOrEqual(4);
    expect(bytes).toBeLessThan(40_000);
    console.info(
      `incident with ${(await answer.text()).length} characters of HTML: ${bytes} bytes in ${requests.length} requests`,
    );
  });
});
