/** What the auditor calls owed: the routes again, on what the store holds, and never more than the fold could have promised. */
import { describe, expect, test } from 'vitest';
import type { RelayConfig } from '#src/config/types.ts';
import type { AuditedIncident, AuditRead } from '#src/db/audit.ts';
import type { Queryable } from '#src/db/pools.ts';
import { audit, type Findings } from '#src/pipeline/canary/audit.ts';
import { good } from '../config/fixture.ts';

const TIMES = { backMs: 600_000, graceMs: 5_000, dueMs: 60_000, busyMs: 900_000 };
const HEAD = `destinations:
  hook: { type: webhook, url: "https://example.org/hook", secret: "hook-secret-1" }
  mail: { type: webhook, url: "https://example.org/mail", secret: "hook-secret-2", id: post }
`;
const config = (rest: string): RelayConfig => good(HEAD + rest);

function incident(change: Partial<AuditedIncident> = {}): AuditedIncident {
  return {
    id: 'inc_1',
    kind: 'outage',
    severity: 'error',
    stage: 'Active',
    revision: 2,
    newestAgeMs: 30_000,
    scope: [{ subscription: 's1', service: 'Container Registry', region: 'West Europe', resource: '', source: 'prod' }],
    deliveries: [],
    ...change,
  };
}

/** The auditor over a store that holds just this. */
function findings(given: RelayConfig, read: Partial<AuditRead>, configAgeMs = 3_600_000): Promise<Findings> {
  const row: AuditRead = { lost: [], incidents: [], overdue: [], ...read };
  const db = { query: () => Promise.resolve({ rows: [row] }) } as unknown as Queryable;
  return audit(db, given, { times: TIMES, configAgeMs });
}

const unpromised = async (
  rest: string,
  change: Partial<AuditedIncident> = {},
  configAgeMs?: number,
): Promise<string[]> => (await findings(config(rest), { incidents: [incident(change)] }, configAgeMs)).unpromised;

describe('owed', () => {
  const BOTH = 'routes: [{ match: { kind: outage, region: [West Europe] }, to: [hook] }, { match: {}, to: [mail] }]\n';

  test('is every destination that a route names and that has no delivery, known by its id', async () => {
    expect(await unpromised(BOTH)).toEqual(['hook inc_1', 'mail inc_1']);
    const deliveries = [
      { destinationId: 'hook', wantedRevision: 2 },
      { destinationId: 'post', wantedRevision: 2 },
    ];
    expect(await unpromised(BOTH, { deliveries })).toEqual([]);
    expect(await unpromised(BOTH, { deliveries: deliveries.slice(1) })).toEqual(['hook inc_1']);
  });

  test('is the default, or everyone, where no route takes it', async () => {
    expect(await unpromised('routes: [{ match: { kind: security }, to: [hook] }]\ndefault: [mail]\n')).toEqual([
      'mail inc_1',
    ]);
    expect(await unpromised('')).toEqual(['hook inc_1', 'mail inc_1']);
  });

  test('is nothing where an older config has judged', async () => {
    expect(await unpromised(BOTH, {}, 29_000)).toEqual([]);
    expect(await unpromised(BOTH, {}, 31_000)).toHaveLength(2);
  });

  test('leaves out what the estate has answered, and what comes after such a route that stops', async () => {
    const asks = (stop: boolean): string =>
      `routes: [{ match: { estate: [hit] }, to: [hook], stop: ${stop} }, { match: { region: [West Europe] }, to: [mail] }]\n`;
    expect(await unpromised(asks(false))).toEqual(['mail inc_1']);
    expect(await unpromised(asks(true))).toEqual([]);
    expect(await unpromised('routes: [{ match: { tag: [team=x] }, to: [hook] }]\n')).toEqual([]);
  });

  test('is nothing for context that no route asks for, and a canary without its section', async () => {
    expect(await unpromised('routes: [{ match: {}, to: [hook] }]\n', { kind: 'change' })).toEqual([]);
    expect(await unpromised('routes: [{ match: { kind: change }, to: [hook] }]\n', { kind: 'change' })).toEqual([
      'hook inc_1',
    ]);
    expect(await unpromised('routes: [{ match: {}, to: [hook] }]\n', { kind: 'canary' })).toEqual([]);
    expect(await unpromised('canary: { destination: hook }\n', { kind: 'canary' })).toEqual(['hook inc_1']);
  });
});

test('a delivery that wants less than the newest revision is behind, whoever has judged', async () => {
  const deliveries = [
    { destinationId: 'hook', wantedRevision: 1 },
    { destinationId: 'post', wantedRevision: 2 },
  ];
  const found = await findings(config(''), { incidents: [incident({ deliveries })] }, 0);
  expect(found).toEqual({ lost: [], unpromised: [], behind: ['hook inc_1'], overdue: [] });
});

test('at most 20 of a kind are named', async () => {
  const incidents = Array.from({ length: 30 }, (_, i) => incident({ id: `inc_${i}` }));
  expect((await findings(config('default: [hook]\n'), { incidents })).unpromised).toHaveLength(20);
});
