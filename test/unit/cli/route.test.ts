import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { subscriptionId, serviceHealth } from '#test/support/fixtures.ts';
import { EXAMPLE_ENV, EXAMPLE_SECRETS, relay } from './memory-io.ts';

const CONFIG = 'docs/examples/acr-comprehensive.yaml';
const env = { ...EXAMPLE_ENV, RELAY_CONFIG: CONFIG };
const ACTIVE = 'test/fixtures/webhook-classic/sh-incident-active.json';
/** The only subscription that the example calls production. */
const prod = readFileSync(new URL('../../../docs/examples/subscriptions.csv', import.meta.url), 'utf8')
  .split('\n')
  .find((line) => line.endsWith(',prod'))
  ?.split(',')[0];

function production(stage = 'Active'): string {
  const body = serviceHealth({ trackingId: 'CLI2-001', communication: 1, stage });
  return JSON.stringify(body).replaceAll(subscriptionId(1), prod ?? '');
}

describe('relay route', () => {
  test('says which routes took the payload, and which condition of the others failed', async () => {
    const { code, out, err } = await relay(['route', ACTIVE], { env });
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/routes\[1\] outage of the registry anywhere +matched +channel/);
    expect(out).toContain('kind: wants "security", incident has "outage"');
    expect(out).toMatch(/channel +teams +routes\[1\] +1 of 1/);
    expect(out).not.toContain('AdaptiveCard');
  });

  test('--explain shows what each kind of vendor would get, and holds no secret', async () => {
    const { code, out } = await relay(['route', '-', '--explain'], { env, stdin: production() });
    expect(code).toBe(0);
    expect(out).toContain('--- oncall (pagerduty): open\nPOST https://events.pagerduty.com\n');
    expect(out).toContain('"routing_key": "<secret>"');
    expect(out).toContain('--- tickets (servicenow): open\nlooks first: GET https://contoso.service-now.com\n');
    expect(out).toContain('"short_description": "[Outage] Container Registry');
    expect(out).toContain('"type": "AdaptiveCard"');
    expect(out).toContain('Subject: [Outage] Container Registry');
    for (const secret of EXAMPLE_SECRETS) expect(out).not.toContain(secret);
  });

  test('what is over when first seen is shown as no page', async () => {
    const { out } = await relay(['route', '-', '--explain', '--json'], { env, stdin: production('Resolved') });
    const [incident] = JSON.parse(out).incidents;
    const oncall = incident.destinations.find((one: { name: string }) => one.name === 'oncall');
    expect(incident.state).toBe('resolved');
    expect(oncall.message.action).toBe('resolve');
    expect(oncall.message.requests[0].body).not.toContain('"trigger"');
    for (const secret of EXAMPLE_SECRETS) expect(out).not.toContain(secret);
  });

  test('a test notification is told as one', async () => {
    const file = 'test/fixtures/webhook-classic/sh-test-notification.json';
    expect((await relay(['route', file], { env })).out).toContain('sent to operations, marked TEST');
  });

  test('a payload that is not there or not JSON, and a broken config, fail with the reason', async () => {
    expect(await relay(['route', 'nowhere.json'], { env })).toMatchObject({
      code: 1,
      err: 'nowhere.json cannot be read (ENOENT)\n',
    });
    expect(await relay(['route', '-'], { env, stdin: '{nope' })).toMatchObject({
      code: 1,
      err: 'standard input: the body is not JSON\n',
    });
    const broken = await relay(['route', ACTIVE], { env: { RELAY_CONFIG: CONFIG } });
    expect(broken.code).toBe(1);
    expect(broken.err).toContain('the environment variable PAGERDUTY_KEY is not set');
  });
});

describe('relay check and schema', () => {
  test('check answers 0 for a good config and lists every fault of a bad one with its line', async () => {
    expect((await relay(['check'], { env })).code).toBe(0);
    const { code, err } = await relay(['check'], { env: { ...env, TEAMS_URL: '', SMTP_URL: '', PORT: 'x' } });
    expect(code).toBe(1);
    expect(err).toMatch(/acr-comprehensive\.yaml:\d+:\d+ destinations\.channel\.webhookUrl: .*TEAMS_URL/);
    expect(err).toContain('SMTP_URL');
    expect(err).toContain('PORT: "x" is not a port');
  });

  test('check --json holds the faults for programs', async () => {
    const { code, out } = await relay(['check', '--json'], { env: { ...env, TEAMS_URL: '' } });
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ ok: false, faults: [{ path: 'destinations.channel.webhookUrl' }] });
  });

  test('schema is JSON on standard output alone', async () => {
    const { code, out } = await relay(['schema']);
    expect(code).toBe(0);
    expect(JSON.parse(out).properties.destinations).toBeDefined();
  });
});
