/** The section `peer` and `standby` of destinations. */
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { configSecrets } from '#src/config/secrets.ts';
import { faultLines, good, GOOD, warningLines } from './fixture.ts';

const TOKEN = 'token-of-the-peer-0001';
const PEER = `peer: { url: "https://relay-b.example/", token: ${TOKEN} }\n`;
const STANDBY = GOOD.replace('secret: "hook-secret-1"', 'secret: "hook-secret-1", standby: true');

test('there is no peer until one is named, and nothing is on standby', () => {
  const config = good(GOOD);
  expect(config.peer).toBeNull();
  expect(config.destinations.map((one) => one.standby)).toEqual([false, false]);
});

test('an address and a token are enough', () => {
  expect(good(STANDBY + PEER).peer).toEqual({
    url: 'https://relay-b.example',
    token: TOKEN,
    everyMs: 5_000,
    missingAfterMs: 30_000,
    graceMs: 60_000,
  });
});

test('the token is a secret, and is never shown', () => {
  const config = good(STANDBY + PEER);
  expect(configSecrets(config)).toContain(TOKEN);
  expect(JSON.stringify(config) + inspect(config, { depth: 9 })).not.toContain(TOKEN);
});

test.each([
  ['{ url: "https://relay-b.example" }', /peer\.token: is missing|peer\.token: must be/],
  ['{ url: "https://relay-b.example", token: short }', /peer\.token: must have at least 16/],
  ['{ url: "https://10.0.0.9", token: T }', /peer\.url: its target is refused: 10\.0\.0\.9 is private/],
  ['{ url: "http://relay-b.example", token: T }', /peer\.url: its target is refused: .*without TLS/],
  ['{ url: "https://b.example", token: T, every: 10ms }', /peer\.every: must be at least 500ms/],
  ['{ url: "https://b.example", token: T, every: 10s, missingAfter: 5s }', /peer\.missingAfter: must not be shorter/],
  ['{ url: "https://b.example", token: T, grace: 10m }', /peer\.grace: must be at most 5m/],
  ['{ url: "https://b.example", token: T, graze: 1m }', /peer.*graze/],
])('%s is refused', (section, fault) => {
  expect(faultLines(`${STANDBY}peer: ${section.replace('token: T', `token: ${TOKEN}`)}\n`).join('\n')).toMatch(fault);
});

test.each([
  ['standby without a peer', STANDBY, /destinations\.hook\.standby: does nothing without peer/],
  ['a peer without standby', GOOD + PEER, /peer: no destination is on standby/],
  ['a route with standby alone', STANDBY + PEER, /routes\[1\]\.to: every destination here is on standby/],
  [
    'a pager on standby',
    `${STANDBY}${PEER}`.replace('type: pager,', 'type: pager, standby: true,'),
    /destinations\.oncall\.standby: pager folds by key what both relays tell/,
  ],
])('%s is a warning', (_, text, warning) => {
  expect(warningLines(text).join('\n')).toMatch(warning);
  expect(faultLines(text)).toEqual([]);
});

test('a route that also leads to a pager is none', () => {
  expect(warningLines(STANDBY + PEER).join('\n')).not.toContain('routes[0]');
});
