import { describe, expect, test } from 'vitest';
import { adapters } from '#adapters/index.ts';
import { foldPayloads, sourceOf } from '#src/cli/fold-payloads.ts';
import { formatFaults } from '#src/config/fault.ts';
import { loadConfig } from '#src/config/load.ts';
import type { RelayConfig } from '#src/config/types.ts';
import { fixture, serviceHealth, subscriptionId } from '#test/support/fixtures.ts';

const now = new Date('2026-11-23T08:00:00Z');

function configOf(routes: string): RelayConfig {
  const text = `receivers: { tokens: [{ source: prod, token: receiver-token-0001, subscription: "${subscriptionId(9)}" }] }
subscriptions: { "${subscriptionId(2)}": { environment: prod } }
destinations:
  oncall: { type: pagerduty, routingKey: 0123456789abcdef0123456789abcdef }
  log: { type: webhook, url: "https://example.org/", secret: "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=" }
routes:
${routes}`;
  const loaded = loadConfig(text, { file: 'relay.yaml', env: {}, adapters });
  if (!loaded.ok) throw new Error(formatFaults(loaded.faults, 'relay.yaml'));
  return loaded.config;
}

const PROD_PAGES = `  - { match: { kind: outage, environment: prod }, to: [oncall] }
  - { match: {}, to: [log] }`;

function run(config: RelayConfig, ...payloads: unknown[]) {
  return foldPayloads(payloads, { config, source: sourceOf(config, undefined), now });
}

const post = (communication: number, stage: string, subscription: number) =>
  serviceHealth({ trackingId: 'CLI1-001', communication, stage, subscription });

describe('folding payloads without a database', () => {
  test('a story has the outcomes that the relay would answer', () => {
    const first = post(1, 'Active', 1);
    const { signals, incidents } = run(
      configOf(PROD_PAGES),
      first,
      first,
      post(1, 'Active', 2),
      post(2, 'Active', 1),
      post(3, 'Resolved', 1),
      post(4, 'RCA', 1),
    );
    expect(signals.map((signal) => signal.outcome)).toEqual([
      'opened',
      'duplicate',
      'updated',
      'updated',
      'resolved',
      'noted',
    ]);
    expect(incidents).toHaveLength(1);
    expect(incidents[0]?.incident.state).toBe('resolved');
  });

  test('a destination that matched once stays, one that matches later is added', () => {
    const { incidents } = run(configOf(PROD_PAGES), post(1, 'Active', 1), post(1, 'Active', 2), post(3, 'Resolved', 1));
    expect([...(incidents[0]?.told.keys() ?? [])]).toEqual(['log', 'oncall']);
  });

  test('several incidents of one body are judged one by one', () => {
    const other = serviceHealth({ trackingId: 'CLI1-002', communication: 1, stage: 'Active', subscription: 2 });
    const { incidents } = run(configOf(PROD_PAGES), [post(1, 'Active', 1), other]);
    expect(incidents.map((one) => [...one.told.keys()])).toEqual([['log'], ['oncall', 'log']]);
  });

  test('a test notification is never an incident', () => {
    const { signals, incidents } = run(configOf(PROD_PAGES), fixture('webhook-classic/sh-test-notification.json'));
    expect(signals.map((signal) => signal.outcome)).toEqual(['test']);
    expect(incidents).toEqual([]);
  });

  test('an image push is told to nobody, unless a route asks for changes by name', () => {
    const push = fixture('eventgrid/acr-image-pushed-eventgrid.json');
    expect(run(configOf(PROD_PAGES), push).incidents[0]?.told.size).toBe(0);
    const asked = run(configOf('  - { match: { kind: change }, to: [log] }'), push);
    expect([...(asked.incidents[0]?.told.keys() ?? [])]).toEqual(['log']);
  });

  test('the named source brings its subscription, an unknown one only its name', () => {
    const config = configOf(PROD_PAGES);
    expect(sourceOf(config, 'prod')).toEqual({ source: 'prod', subscription: subscriptionId(9) });
    expect(sourceOf(config, undefined).source).toBe('prod');
    expect(sourceOf(config, 'else')).toEqual({ source: 'else', subscription: null });
  });
});
