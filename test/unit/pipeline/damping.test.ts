/** Damping that fails holds nothing back, and what is not asked for costs nothing. */
import pg from 'pg';
import { afterEach, expect, test } from 'vitest';
import { adapters } from '#src/app.ts';
import { loadConfig } from '#src/config/load.ts';
import type { RelayConfig } from '#src/config/types.ts';
import type { DueDelivery } from '#src/db/due.ts';
import { openDamping, withRemark } from '#src/pipeline/damping.ts';
import { createScopeCache } from '#src/pipeline/scope-cache.ts';
import { makeStep } from '#test/support/steps.ts';

/** Nobody listens there. */
const pool = new pg.Pool({ host: '127.0.0.1', port: 1, connectionTimeoutMillis: 500 });
afterEach(() => pool.end());

function config(route: string): RelayConfig {
  const text = `destinations: { hook: { type: webhook, url: "https://example.org/hook", secret: "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=" } }\nroutes: [{ match: {}, to: [hook], ${route} }]\n`;
  const loaded = loadConfig(text, { file: 'relay.yaml', env: {}, adapters });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults));
  return loaded.config;
}

test('a database that does not answer is an error on record, and the delivery goes on as if nothing were asked', async () => {
  const errors: string[] = [];
  const row = {
    id: 'dlv_1',
    incidentId: 'inc_1',
    told: 'nothing',
    fallbackOf: null,
    passThrough: false,
    announced: false,
    incident: {
      id: 'inc_1',
      identity: 'alert/1',
      episode: 1,
      kind: 'alert',
      severity: 'warning',
      stage: null,
      scopeCount: 0,
    },
  } as unknown as DueDelivery;
  const asked = config('sustained: 3 of 5 in 10m');
  await openDamping(asked.destinations[0]!, [row], {
    config: asked,
    nowMs: 0,
    pool,
    scopes: createScopeCache(),
    warm: async () => undefined,
    onError: (error, context) => errors.push(`${String(context['what'])}: ${error.message}`),
  });
  expect(row.damping).toBeNull();
  expect(errors).toEqual([expect.stringMatching(/^damping: .*ECONNREFUSED/)]);
  const plain = makeStep();
  expect(withRemark(plain, row)).toBe(plain);
});
