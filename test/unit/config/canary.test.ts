/** The sections `canary` and `heartbeat`. */
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { configSecrets } from '#src/config/secrets.ts';
import { faultLines, good, GOOD, warningLines } from './fixture.ts';

const SEND = 'Endpoint=sb://contoso.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey=abcdefghijklmnop';
const READ =
  'Endpoint=sb://contoso.servicebus.windows.net/;SharedAccessKeyName=listen;SharedAccessKey=qrstuvwxyz123456;EntityPath=activity';
const PING = 'https://hc-ping.example/3f1c2b7a-0000-4000-8000-000000000001';
const HUB = GOOD.replace(
  'receivers:\n',
  `receivers:\n  eventHubs: [{ name: activity, source: prod, connectionString: "${READ}" }]\n`,
);

describe('canary', () => {
  test('is off until it is asked for, and canary: {} is enough', () => {
    expect(good(GOOD)).toMatchObject({ canary: null, heartbeat: null });
    expect(good(`${GOOD}canary: {}\n`).canary).toEqual({
      everyMs: 60_000,
      withinMs: 30_000,
      receivers: null,
      source: null,
      url: null,
      destination: null,
      hubs: {},
    });
    expect(good(`${GOOD}canary: { every: 10s }\n`).canary).toMatchObject({ everyMs: 10_000, withinMs: 10_000 });
  });

  test.each([
    ['{ every: 10s, within: 20s }', /canary\.within: must not be longer than every/],
    ['{ every: 100ms }', /canary\.every: must be at least 1s/],
    ['{ receivers: [webhook] }', /canary\.receivers\[0\]: must be one of azure-monitor, event-grid, event-hubs/],
    ['{ source: prd }', /canary\.source: no receiver token has the source "prd"; did you mean "prod"\?/],
    ['{ url: "http://10.0.0.1" }', /canary\.url: its target is refused/],
    ['{ destination: hok }', /canary\.destination: unknown destination "hok"; did you mean "hook"\?/],
    ['{ destination: oncall }', /canary\.destination: a canary would page people through pager/],
    ['{ receivers: [event-hubs] }', /canary\.receivers: event-hubs needs canary\.hubs/],
    [
      `{ hubs: { activty: "${SEND}" } }`,
      /canary\.hubs\.activty: no Event Hub of receivers\.eventHubs is called "activty"/,
    ],
    ['{ hubs: { activity: "nonsense" } }', /is neither identity nor an Event Hubs connection string/],
  ])('%s is a fault with its place and a hint', (section, wanted) => {
    const lines = faultLines(`${GOOD}canary: ${section}\n`);
    expect(lines.some((line) => wanted.test(line))).toBe(true);
    expect(lines.join('\n')).not.toContain('abcdefghijklmnop');
  });

  test('a destination that is retired, or that waits for the time of day, would never tell in time', () => {
    const change = (keys: string): string =>
      `${GOOD.replace('secret: "hook-secret-1"', `secret: "hook-secret-1", ${keys}`)}canary: { destination: hook }\n`;
    expect(faultLines(change('retired: true')).join()).toContain('is retired and takes no canary');
    expect(faultLines(change('updates: digest')).join()).toContain('wait for the time of day');
    expect(faultLines(change('updates: each'))).toEqual([]);
  });

  test('the name of the built-in destination is taken only while it is in use', () => {
    const named = GOOD.replace('hook: {', 'canary: {')
      .replace('[oncall, hook]', '[oncall, canary]')
      .replace('[hook]', '[canary]');
    expect(faultLines(named)).toEqual([]);
    expect(faultLines(`${named}canary: {}\n`).join()).toMatch(
      /destinations\.canary: is the name of the built-in destination/,
    );
    expect(faultLines(`${named}canary: { destination: canary }\n`)).toEqual([]);
  });

  test('without a receiver token Entra cannot be entered, and only hubs can be watched', () => {
    const entra = HUB.replace(/ {2}tokens: .*/, '  entra: { tenant: contoso, audience: [api://relay] }');
    expect(faultLines(`${entra}canary: { hubs: { activity: "${SEND}" } }\n`).join()).toMatch(
      /canary: needs a receiver token/,
    );
    expect(faultLines(`${entra}canary: { receivers: [event-hubs], hubs: { activity: "${SEND}" } }\n`)).toEqual([]);
  });

  test('a hub that no canary enters by is a warning, unless hubs are left out on purpose', () => {
    expect(warningLines(`${HUB}canary: {}\n`).join()).toMatch(/no canary enters by the Event Hub "activity"/);
    expect(warningLines(`${HUB}canary: { hubs: { activity: "${SEND}" } }\n`)).toEqual([]);
    expect(warningLines(`${HUB}canary: { receivers: [azure-monitor] }\n`)).toEqual([]);
  });
});

test('a hub that is read by identity may be sent to by it, another may not', () => {
  const managed = HUB.replace(/connectionString: "[^"]*"/, 'namespace: contoso, hub: activity');
  expect(good(`${managed}canary: { hubs: { activity: identity } }\n`).canary?.hubs).toEqual({ activity: 'identity' });
  expect(configSecrets(good(`${managed}canary: { hubs: { activity: identity } }\n`))).not.toContain('identity');
  expect(faultLines(`${HUB}canary: { hubs: { activity: identity } }\n`).join()).toMatch(
    /canary\.hubs\.activity: needs a connection string/,
  );
});

describe('heartbeat', () => {
  test('needs a canary: it beats only while canaries come through', () => {
    expect(faultLines(`${GOOD}heartbeat: { url: "${PING}" }\n`).join()).toMatch(/heartbeat: needs a canary/);
    expect(good(`${GOOD}canary: {}\nheartbeat: { url: "${PING}" }\n`).heartbeat).toEqual({
      url: PING,
      everyMs: 60_000,
      method: 'GET',
    });
  });

  test('is judged by the egress rules', () => {
    expect(faultLines(`${GOOD}canary: {}\nheartbeat: { url: "http://169.254.169.254/x" }\n`).join()).toMatch(
      /heartbeat\.url: its target is refused/,
    );
  });

  test('its address and the keys that may send are secrets', () => {
    const config = good(`${HUB}canary: { hubs: { activity: "${SEND}" } }\nheartbeat: { url: "${PING}" }\n`);
    expect(configSecrets(config)).toEqual(expect.arrayContaining([PING, SEND, 'abcdefghijklmnop']));
    for (const shown of [JSON.stringify(config), inspect(config, { depth: 9 })]) {
      expect(shown).not.toContain('hc-ping');
      expect(shown).not.toContain('abcdefghijklmnop');
    }
  });
});
