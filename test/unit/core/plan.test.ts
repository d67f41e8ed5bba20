/** What each destination hears, by policy and by what it was told before. */
import { describe, expect, test } from 'vitest';
import type { Change, Snapshot } from '#src/core/incident.ts';
import { plan, toldAfter, type Plan, type PlanInput, type Told } from '#src/core/plan.ts';

const NOW = 1_000_000;

function snapshot(change: Change, extra: Partial<Snapshot> = {}): Snapshot {
  const over = change === 'close';
  return {
    state: over ? 'resolved' : 'active',
    stage: over ? 'Resolved' : 'Active',
    severity: 'warning',
    title: 'T',
    startedAt: null,
    mitigatedAt: null,
    resolvedAt: null,
    endsAt: null,
    retracted: false,
    change,
    severityRose: false,
    changes: [],
    late: false,
    communication: null,
    ...extra,
  };
}

const OVER: Partial<Snapshot> = { state: 'resolved' };

interface Case {
  changes: Snapshot[];
  told?: Told;
  delivered?: number;
  input?: Partial<PlanInput>;
}

function input({ changes, told = 'nothing', delivered = 0, input: extra }: Case): PlanInput {
  return {
    updates: { policy: 'each' },
    repeat: 'key',
    told,
    toldSeverity: told === 'nothing' ? null : 'warning',
    deliveredRevision: delivered,
    firstRevision: 1,
    revisions: changes.map((s, i) => ({ revision: delivered + i + 1, recordedAtMs: NOW - 1_000, snapshot: s })),
    unsettled: null,
    lastAcceptedAtMs: null,
    parent: null,
    silence: null,
    nowMs: NOW,
    ...extra,
  };
}

/** Runs the planner until it is level, as a destination that accepts everything at once. */
function story(c: Case): string[] {
  let state = input(c);
  const said: string[] = [];
  for (let i = 0; i < 20; i++) {
    const next: Plan = plan(state);
    if (next.do === 'level') return said;
    if (next.do === 'wait' || next.do === 'giveUp' || next.do === 'hold') return [...said, next.do];
    const to = next.do === 'skip' ? next.to : next.covers[1];
    said.push(
      next.do === 'skip'
        ? `skip ${to}`
        : `${next.action} ${next.covers[0]}-${next.covers[1]}${next.catchUp ? ' catch-up' : ''}`,
    );
    const told = next.do === 'skip' ? state.told : toldAfter(state.told, next.action);
    state = { ...state, told, deliveredRevision: to, revisions: state.revisions.filter((r) => r.revision > to) };
  }
  throw new Error(`never level: ${said.join(', ')}`);
}

const LIFECYCLE = { updates: { policy: 'lifecycle' } } as const;
const open = snapshot('open');
const update = snapshot('update');
const close = snapshot('close');
const review = snapshot('note', OVER);
const reopen = snapshot('reopen');

describe('policy each', () => {
  test('one message per revision, in order', () => {
    expect(story({ changes: [open, update, update, close, review] })).toEqual(['resolve 1-4 catch-up', 'note 5-5']);
    expect(story({ changes: [open, update] })).toEqual(['open 1-1', 'update 2-2']);
    expect(story({ changes: [update, close, review], told: 'open', delivered: 1 })).toEqual([
      'update 2-2',
      'resolve 3-3',
      'note 4-4',
    ]);
  });

  test('a destination that matches late gets one opening for all before', () => {
    expect(story({ changes: [open, update, update, update], input: { firstRevision: 3 } })).toEqual([
      'open 1-3',
      'update 4-4',
    ]);
  });

  test('more than five behind: one catch-up message', () => {
    expect(story({ changes: Array.from({ length: 6 }, () => update), told: 'open', delivered: 1 })).toEqual([
      'update 2-7 catch-up',
    ]);
    expect(story({ changes: Array.from({ length: 5 }, () => update), told: 'open', delivered: 1 })).toHaveLength(5);
  });

  test('older than fifteen minutes: one catch-up message with the present state', () => {
    const late = input({ changes: [update, update, close], told: 'open', delivered: 1 });
    const revisions = late.revisions.map((r) => ({ ...r, recordedAtMs: NOW - 16 * 60_000 }));
    expect(plan({ ...late, revisions })).toMatchObject({ action: 'resolve', covers: [2, 4], catchUp: true });
  });

  test('an end and a new beginning are told as such', () => {
    expect(story({ changes: [close, reopen], told: 'open', delivered: 1 })).toEqual(['resolve 2-2', 'open 3-3']);
  });

  test('a false positive is retracted', () => {
    expect(story({ changes: [snapshot('close', { retracted: true })], told: 'open', delivered: 1 })).toEqual([
      'retract 2-2',
    ]);
  });
});

describe('policy lifecycle', () => {
  const l = (c: Case): string[] => story({ ...c, input: { ...LIFECYCLE, ...c.input } });

  test('opening, end, review; updates are left out with a decision', () => {
    expect(l({ changes: [open] })).toEqual(['open 1-1']);
    expect(l({ changes: [update, update], told: 'open', delivered: 1 })).toEqual(['skip 3']);
    expect(l({ changes: [update, close, review], told: 'open', delivered: 1 })).toEqual([
      'resolve 2-3 catch-up',
      'note 4-4',
    ]);
  });

  test('a rise of severity is told', () => {
    const risen = snapshot('update', { severity: 'critical', severityRose: true });
    expect(l({ changes: [update, risen], told: 'open', delivered: 1 })).toEqual(['update 2-3 catch-up']);
  });

  test('over before it was told: one step that wakes nobody', () => {
    expect(l({ changes: [open, update, close] })).toEqual(['resolve 1-3 catch-up']);
  });

  test('reopened: a second opening; ended and reopened between two looks: the page stays', () => {
    expect(l({ changes: [reopen], told: 'closed', delivered: 2 })).toEqual(['open 3-3']);
    expect(l({ changes: [close, reopen], told: 'open', delivered: 1 })).toEqual(['skip 3']);
  });

  test('a review alone never opens', () => {
    expect(l({ changes: [review] })).toEqual(['note 1-1']);
  });
});

describe('a child of an outage that the same destination accepted', () => {
  const parent = { id: 'inc_parent', headline: '[Outage] Container Registry' };
  test('is held back while it is open, and for good when it is over', () => {
    expect(plan(input({ changes: [open], input: { parent } }))).toEqual({
      do: 'hold',
      untilMs: NOW + 300_000,
      cause: { why: 'parent', ...parent },
    });
    expect(plan(input({ changes: [open, close], input: { parent } }))).toMatchObject({ do: 'skip', to: 2 });
  });
  test('is never held back after it was told', () => {
    expect(plan(input({ changes: [close], told: 'open', delivered: 1, input: { parent } }))).toMatchObject({
      action: 'resolve',
    });
  });
});

describe('within a silence', () => {
  const silence = { id: 'sil_1', author: 'ops', reason: 'patching', untilMs: NOW + 3_600_000 };
  const quiet = (c: Case): string[] => story({ ...c, input: { silence, ...c.input } });

  test('an opening, an update, a rise and a review wait; judged again by its end and within five minutes', () => {
    expect(plan(input({ changes: [open], input: { silence } }))).toEqual({
      do: 'hold',
      untilMs: NOW + 300_000,
      cause: { why: 'silence', ...silence },
    });
    expect(plan(input({ changes: [open], input: { silence: { ...silence, untilMs: NOW + 1_000 } } }))).toMatchObject({
      untilMs: NOW + 1_000,
    });
    expect(quiet({ changes: [update], told: 'open', delivered: 1 })).toEqual(['hold']);
    const risen = snapshot('update', { severity: 'critical', severityRose: true });
    expect(quiet({ changes: [risen], told: 'open', delivered: 1, input: LIFECYCLE })).toEqual(['hold']);
    expect(quiet({ changes: [review], told: 'closed', delivered: 2 })).toEqual(['hold']);
    expect(quiet({ changes: [reopen], told: 'closed', delivered: 2 })).toEqual(['hold']);
    expect(quiet({ changes: [open, close] })).toEqual(['hold']);
  });

  test('the end of what is open goes out at once, without the updates before it; the review after it waits', () => {
    for (const updates of [{ policy: 'each' }, LIFECYCLE.updates, { policy: 'latest', minIntervalMs: 60_000 }] as const)
      expect(quiet({ changes: [update, close, review], told: 'open', delivered: 1, input: { updates } })).toEqual([
        'resolve 2-3 catch-up',
        'hold',
      ]);
    expect(quiet({ changes: [snapshot('close', { retracted: true })], told: 'open', delivered: 1 })).toEqual([
      'retract 2-2',
    ]);
    expect(quiet({ changes: [close, reopen], told: 'open', delivered: 1 })).toEqual(['hold']);
  });

  test('what the policy leaves out is left out, not held; what it delays is delayed', () => {
    expect(quiet({ changes: [update, update], told: 'open', delivered: 1, input: LIFECYCLE })).toEqual(['skip 3']);
    expect(quiet({ changes: [open], input: { updates: { policy: 'digest', dueMs: NOW + 1 } } })).toEqual(['wait']);
  });

  test('a try without an outcome is settled all the same', () => {
    const unsettled = { action: 'open', covers: [1, 1], wasRepeat: false } as const;
    expect(plan(input({ changes: [open], input: { silence, unsettled } }))).toMatchObject({
      do: 'step',
      settling: true,
    });
  });
});

test('latest: at most one per interval, turns at once', () => {
  const updates = { policy: 'latest', minIntervalMs: 60_000 } as const;
  expect(
    plan(input({ changes: [update], told: 'open', delivered: 1, input: { updates, lastAcceptedAtMs: NOW - 10_000 } })),
  ).toEqual({ do: 'wait', untilMs: NOW + 50_000 });
  expect(
    story({ changes: [update, close], told: 'open', delivered: 1, input: { updates, lastAcceptedAtMs: NOW - 10_000 } }),
  ).toEqual(['resolve 2-3 catch-up']);
});

test('digest: nothing before its time, then one message', () => {
  const early = { policy: 'digest', dueMs: NOW + 1 } as const;
  expect(story({ changes: [open, update], input: { updates: early } })).toEqual(['wait']);
  expect(story({ changes: [open, update], input: { updates: { policy: 'digest', dueMs: NOW } } })).toEqual([
    'open 1-2 catch-up',
  ]);
});

describe('an attempt without an outcome is settled before anything newer', () => {
  const unsettled = { action: 'open', covers: [1, 1], wasRepeat: false } as const;
  test('the same step again where the vendor dedups or can be asked', () => {
    for (const repeat of ['key', 'lookup'] as const) {
      expect(plan(input({ changes: [open, update], input: { repeat, unsettled } }))).toMatchObject({
        action: 'open',
        covers: [1, 1],
        settling: true,
        repeat: false,
      });
    }
  });
  test('once more and marked where it can do neither, never a third time', () => {
    expect(plan(input({ changes: [open], input: { repeat: 'mark', unsettled } }))).toMatchObject({
      settling: true,
      repeat: true,
    });
    expect(
      plan(input({ changes: [open], input: { repeat: 'mark', unsettled: { ...unsettled, wasRepeat: true } } })),
    ).toMatchObject({ do: 'giveUp' });
  });
});
