/** Which receivers are ours, and that nothing secret is kept of them. */
import { expect, test } from 'vitest';
import type { RawGroup } from '#src/azure/coverage-read.ts';
import { groupFacts } from '#src/pipeline/coverage-audit/facts.ts';
import { good, GOOD } from '../config/fixture.ts';

const TOKEN = 'receiver-token-000000000001';
const AZURE = 'azure: {}\npublicUrl: https://Relay.contoso.example/ops/\n';
const RECEIVER = 'https://relay.contoso.example/ops/v1/receivers/azure-monitor';

function facts(uri: string | null, { secure = false, config = '' } = {}) {
  const group: RawGroup = {
    id: 'g',
    name: 'ag',
    location: 'Global',
    enabled: true,
    receivers: 1,
    webhooks: [{ name: 'relay', uri, secure }],
    hubs: [],
  };
  const made = groupFacts(group, good(`${GOOD}${AZURE}coverage: {${config}}\n`));
  expect(JSON.stringify(made)).not.toMatch(/receiver-token|s3cret/);
  return made.ours[0];
}

test.each([
  [`${RECEIVER}?token=${TOKEN}`, 'here', 'open'],
  [`https://RELAY.contoso.example:443/ops/v1/receivers/azure-monitor/?x=1&token=${TOKEN}#f`, 'here', 'open'],
  [`${RECEIVER}?token=s3cret-of-last-year`, 'here', 'refused'],
  [RECEIVER, 'here', 'refused'],
  [`https://user:s3cret@relay.contoso.example/ops/v1/receivers/azure-monitor?token=${TOKEN}`, 'here', 'open'],
  [`https://relay.contoso.example/v1/receivers/azure-monitor?token=${TOKEN}`, 'wrong-address', 'refused'],
  [`http://relay.contoso.example/ops/v1/receivers/azure-monitor?token=${TOKEN}`, 'wrong-address', 'refused'],
  [`https://relay.contoso.example/ops/v1/receivers/event-grid?token=${TOKEN}`, 'wrong-address', 'refused'],
  [null, 'hidden', 'refused'],
  ['not an address', 'hidden', 'refused'],
])('%s leads %s and is %s', (uri, leads, entry) => {
  expect(facts(uri)).toMatchObject({ leads, entry });
});

test('somebody else is not ours, however alike the name is', () => {
  expect(
    facts(`https://relay.contoso.example.evil.example/ops/v1/receivers/azure-monitor?token=${TOKEN}`),
  ).toBeUndefined();
});

test('a secure webhook needs Entra on our side, or a token as well', () => {
  expect(facts(RECEIVER, { secure: true })).toMatchObject({ entry: 'refused', secure: true });
  expect(facts(`${RECEIVER}?token=${TOKEN}`, { secure: true })).toMatchObject({ entry: 'open' });
});

test('an address in front of us may add the token itself; without a path ours is meant', () => {
  const config = ' addresses: ["https://gw.contoso.example/azure/health", "https://hooks.contoso.example"] ';
  expect(facts('https://gw.contoso.example/azure/health', { config })).toMatchObject({ leads: 'here', entry: 'open' });
  expect(facts('https://hooks.contoso.example/v1/receivers/azure-monitor', { config })).toMatchObject({
    leads: 'here',
    entry: 'refused',
  });
});
