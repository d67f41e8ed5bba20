/** What the record of a peer says about our news, and what follows for the next step. */
import { describe, expect, test } from 'vitest';
import type { Snapshot } from '#src/core/incident.ts';
import { plan, type PlanInput } from '#src/core/plan.ts';
import { communicationKey, newsOf, settledCount, type Ledger, type News } from '#src/core/standby.ts';

const T0 = Date.parse('2026-11-25T00:00:00Z');
const STARTED = '2026-11-24T23:00:00.000Z';

function news(more: Partial<News> = {}): News {
  return { open: true, severity: 'warning', startedAt: STARTED, communication: null, ...more };
}
function ledger(stands: Partial<NonNullable<Ledger['stands']>> | null, communications: string[] = []): Ledger {
  const full = stands && ({ state: 'active', severity: 'warning', startedAt: STARTED, ...stands } as const);
  return { communications: new Set(communications), stands: full };
}

describe('how much of the news the peer answers for', () => {
  test.each<[string, News[], Ledger, number]>([
    ['nothing, where it was level with nothing', [news()], ledger(null), 0],
    ['a communication that it told', [news({ communication: 'c1' })], ledger({}, ['c1']), 1],
    ['no communication that it did not, whatever its state', [news({ communication: 'c2' })], ledger({}, ['c1']), 0],
    [
      'everything up to the newest that it told',
      ['c1', 'c2', 'c3'].map((communication) => news({ communication })),
      ledger({}, ['c1', 'c2']),
      2,
    ],
    [
      'an older one although it has ended there',
      [news({ communication: 'c1' })],
      ledger({ state: 'resolved' }, ['c1', 'c9']),
      1,
    ],
    ['an opening, by the same state', [news()], ledger({}), 1],
    ['no opening while it stands resolved there', [news()], ledger({ state: 'resolved' }), 0],
    ['no end while it is open there', [news(), news({ open: false })], ledger({}), 1],
    ['opening and end, where it stands resolved', [news(), news({ open: false })], ledger({ state: 'closed' }), 2],
    ['no rise of severity that it did not tell', [news(), news({ severity: 'critical' })], ledger({}), 1],
    ['a severity below what it told', [news({ severity: 'info' })], ledger({ severity: 'error' }), 1],
    [
      'no end of a firing that it has never heard of',
      [news({ open: false })],
      ledger({ state: 'resolved', startedAt: '2026-11-20T00:00:00.000Z' }),
      0,
    ],
    ['one without a start, by its state', [news({ startedAt: null })], ledger({}), 1],
    [
      'scope that has grown, but not past a communication that it has never heard of',
      [news(), news({ communication: 'c2' }), news()],
      ledger({}, ['c1']),
      1,
    ],
    [
      'what has grown after a communication that it told, whatever it missed before',
      [news({ communication: 'c1' }), news({ communication: 'c2' }), news()],
      ledger({}, ['c2']),
      3,
    ],
  ])('%s', (_, asked, known, count) => {
    expect(settledCount(asked, known)).toBe(count);
  });

  test('a communication without an id of Azure is known by its time and title', () => {
    const post = { id: null, at: STARTED, title: 'x'.repeat(5_000) };
    expect(communicationKey(post)).toBe(communicationKey({ ...post }));
    expect(communicationKey(post).length).toBeLessThan(300);
    expect(communicationKey({ ...post, id: 'c1' })).toBe('c1');
  });
});

describe('the plan of a standby destination', () => {
  const standby = { untilMs: T0 + 60_000, settledTo: 0, accepted: false };
  function input(more: Partial<PlanInput> = {}): PlanInput {
    return {
      updates: { policy: 'each' },
      repeat: 'mark',
      told: 'nothing',
      toldSeverity: null,
      deliveredRevision: 0,
      firstRevision: 1,
      revisions: [{ revision: 1, recordedAtMs: T0, snapshot: snapshot() }],
      unsettled: null,
      lastAcceptedAtMs: null,
      parent: null,
      silence: null,
      standby,
      nowMs: T0,
      ...more,
    };
  }

  test('is held for the grace, and left out once the peer has told it', () => {
    expect(plan(input())).toEqual({
      do: 'hold',
      untilMs: standby.untilMs,
      cause: { why: 'standby', untilMs: T0 + 60_000 },
    });
    expect(plan(input({ standby: { ...standby, settledTo: 1, accepted: true } }))).toEqual({
      do: 'skip',
      to: 1,
      reason: 'told by the peer',
      word: 'standby',
    });
    expect(plan(input({ standby: { ...standby, settledTo: 1 } }))).toMatchObject({
      reason: 'the peer has nothing to tell',
    });
  });

  test('is told at once where nothing stands in the way', () => {
    expect(plan(input({ standby: null }))).toMatchObject({ do: 'step', action: 'open' });
  });

  test('goes on with what was opened here: updates and the end wait for nobody', () => {
    for (const state of ['active', 'resolved'] as const) {
      const revisions = [{ revision: 2, recordedAtMs: T0, snapshot: snapshot({ state, change: 'update' }) }];
      expect(plan(input({ told: 'open', deliveredRevision: 1, revisions })).do).toBe('step');
    }
  });

  test('settles a try without an outcome before it asks anybody', () => {
    const unsettled = { action: 'open' as const, covers: [1, 1] as const, wasRepeat: false };
    expect(plan(input({ unsettled }))).toMatchObject({ do: 'step', settling: true });
  });

  test('yields to a silence, and to what a policy leaves out', () => {
    const silence = { id: 'sil_1', author: 'ops', reason: '', untilMs: T0 + 1_000 };
    expect(plan(input({ silence }))).toMatchObject({ do: 'hold', cause: { why: 'silence' } });
    expect(plan(input({ updates: { policy: 'digest', dueMs: T0 + 5 } })).do).toBe('wait');
  });
});

test('a revision is asked about by what both relays have in common', () => {
  expect(newsOf(snapshot({ state: 'planned' }))).toEqual({
    open: true,
    severity: 'error',
    startedAt: null,
    communication: 'c1',
  });
});

function snapshot(more: Partial<Snapshot> = {}): Snapshot {
  return {
    state: 'active',
    stage: 'Active',
    severity: 'error',
    title: 'title',
    startedAt: null,
    mitigatedAt: null,
    resolvedAt: null,
    endsAt: null,
    retracted: false,
    change: 'open',
    severityRose: false,
    changes: [],
    late: false,
    communication: { id: 'c1', title: 'title', html: '', at: STARTED },
    ...more,
  };
}
