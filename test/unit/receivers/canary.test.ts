/** Canaries are messages as Azure sends them: they go through its parsers and come out as what they are. */
import { describe, expect, test } from 'vitest';
import { canaryIdentity, canaryRun } from '#src/core/canary.ts';
import { activityLogCanary, azureMonitorCanary, eventGridCanary } from '#src/pipeline/canary/bodies.ts';
import { readSignals } from '#src/receivers/read.ts';
import { CONTEXT, fixtureNames, readFixture } from './read-fixture.ts';

const RUN = 'c0ffee00c0ffee00c0ffee00';
const AT = '2026-11-24T18:59:59.000Z';

describe.each([
  ['action group', azureMonitorCanary(RUN, AT), 'common', 'webhook'],
  ['Event Grid', eventGridCanary(RUN, AT), 'event-grid', 'event-grid'],
  ['Event Hub', activityLogCanary(RUN, AT), 'activity-log', 'event-hub'],
] as const)('by %s', (_, body, schema, door) => {
  const signals = readSignals(body, { ...CONTEXT, subscription: 'of-the-token', door });

  test('it is one signal, read by the parser of that door, of a kind of its own', () => {
    expect(signals).toMatchObject([
      {
        kind: 'canary',
        identity: canaryIdentity(RUN),
        schema,
        source: 'canary',
        type: 'canary',
        reason: null,
        test: false,
      },
    ]);
    expect(signals[0]).toMatchObject({
      phase: 'open',
      state: 'active',
      severity: 'info',
      occurredAt: AT,
      impacts: [],
      subscriptions: [],
      resources: [],
    });
  });

  test('another run is another incident and another signal', () => {
    const other = JSON.parse(JSON.stringify(body).replaceAll(RUN, 'ab'.repeat(12))) as unknown;
    const [next] = readSignals(other, { ...CONTEXT, door });
    expect(next!.identity).not.toBe(signals[0]!.identity);
    expect(next!.fingerprint).not.toBe(signals[0]!.fingerprint);
  });
});

test('nothing that Azure sends is taken for one', () => {
  const kinds = fixtureNames().flatMap((name) => readFixture(name).map((signal) => signal.kind));
  expect(kinds.length).toBeGreaterThan(50);
  expect(kinds).not.toContain('canary');
});

test.each(['relay-canary-', 'relay-canary-short', `relay-canary-${RUN}0`, `relay-canary-${RUN.toUpperCase()}`, RUN])(
  '%s is no mark',
  (text) => expect(canaryRun(`sh/${text}`)).toBeNull(),
);
