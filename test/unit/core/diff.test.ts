import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareSaid, describeChanges, mergeSaid, saidOf } from '#src/core/diff.ts';
import { fold } from '#src/core/fold.ts';
import type { Standing } from '#src/core/incident.ts';
import type { Signal } from '#src/core/signal.ts';
import { toSignal } from '#test/support/histories.ts';

const WEST = { service: 'Container Registry', region: 'West Europe' };
const NORTH = { service: 'Container Registry', region: 'North Europe' };
const BASE: Standing = {
  state: 'active',
  stage: 'Active',
  severity: 'warning',
  title: 'Image pulls fail',
  startedAt: '2026-09-14T08:00:00.000Z',
  mitigatedAt: null,
  resolvedAt: null,
  endsAt: null,
  retracted: false,
};

describe('what changed between two communications', () => {
  test('a place that is named no longer is gone, one that joins is told by the scope', () => {
    const before = saidOf({ impacts: [WEST, NORTH], text: 'Pulls fail.' });
    const said = compareSaid(before, { impacts: [WEST], text: 'Pulls fail.' });
    expect(describeChanges(BASE, BASE, { impacts: [], said })).toEqual([
      'No longer named: Container Registry in North Europe.',
    ]);
    expect(describeChanges(BASE, BASE, { impacts: [NORTH], said: null })).toEqual([
      'Now also: Container Registry in North Europe.',
    ]);
  });

  test('nothing is said to be gone where subscriptions were told different places, or the post lists none', () => {
    const first = saidOf({ impacts: [WEST], text: 'a.' });
    const other = saidOf({ impacts: [WEST, NORTH], text: 'a.' });
    const mixed = mergeSaid(other, first)!;
    expect(compareSaid(mixed, { impacts: [WEST], text: 'b.' }).gone).toEqual([]);
    expect(compareSaid(other, { impacts: [], text: 'b.' }).gone).toEqual([]);
  });

  test('added sentences are quoted whatever the mark-up, at most two of them, and long ones are cut', () => {
    const before = saidOf({ impacts: [], text: 'Pulls fail. We look into it.' });
    const long = `${'word '.repeat(100)}end.`;
    const said = compareSaid(before, {
      impacts: [],
      text: `We  look into it.\nCause found.\n- ${long}\nMore.\nMuch more.`,
    });
    const [words] = describeChanges(BASE, BASE, { impacts: [], said });
    expect(words).toMatch(/^Text added: "Cause found\." ".{0,210} …" and 2 more sentences\.$/);
  });

  test('a text without one old sentence is called rewritten; an unchanged one is no change', () => {
    const before = saidOf({ impacts: [], text: 'One. Two.' });
    expect(
      describeChanges(BASE, BASE, { impacts: [], said: compareSaid(before, { impacts: [], text: 'Three. Four.' }) }),
    ).toEqual(['Text rewritten: "Three." "Four."']);
    expect(
      describeChanges(BASE, BASE, { impacts: [], said: compareSaid(before, { impacts: [], text: 'TWO.\nOne.' }) }),
    ).toEqual([]);
  });

  test('moved start, mitigation and planned end are told with both times', () => {
    const after = { ...BASE, startedAt: '2026-09-14T07:40:00.000Z', endsAt: '2026-09-14T11:00:00.000Z' };
    expect(describeChanges(BASE, after, { impacts: [] })).toEqual([
      'Start of impact moved: 2026-09-14 08:00 UTC → 2026-09-14 07:40 UTC.',
      'Planned end: 2026-09-14 11:00 UTC.',
    ]);
  });

  test('the start of what is only planned is called planned', () => {
    const before = { ...BASE, state: 'planned' } as const;
    const after = { ...before, startedAt: '2026-09-16T02:00:00.000Z' };
    expect(describeChanges(before, after, { impacts: [] })).toEqual([
      'Planned start moved: 2026-09-14 08:00 UTC → 2026-09-16 02:00 UTC.',
    ]);
  });

  test('never throws and never calls a known sentence new, whatever the text', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { maxLength: 20 }), fc.string(), (lines, extra) => {
        const text = lines.join('\n');
        const { added } = compareSaid(saidOf({ impacts: [], text }), { impacts: [], text: `${text}\n${extra}` });
        for (const sentence of added) expect(extra).toContain(sentence);
        expect(compareSaid(saidOf({ impacts: [], text }), { impacts: [], text }).added).toEqual([]);
      }),
    );
  });
});

describe('the fold', () => {
  const active = { phase: 'open', stage: 'Active', state: 'active', severity: 'warning', region: 0 } as const;
  const post = (minute: number, subscription: number, change: Partial<Signal>): Signal => ({
    ...toSignal({ ...active, minute, subscription }),
    ...change,
  });
  const run = (signals: Signal[]) => {
    let current = null as Parameters<typeof fold>[0]['current'];
    let entries: ReturnType<typeof fold>['entries'] = [];
    for (const signal of signals) {
      const result = fold({ current, signal, receivedAt: '2026-09-20T00:00:00.000Z', newId: 'inc_1' });
      current = { incident: result.incident, scope: result.scope };
      ({ entries } = result);
    }
    return { incident: current!.incident, changes: entries.find((entry) => entry.snapshot)?.snapshot?.changes ?? [] };
  };

  test('compares each communication with the newest one before it, through whichever subscription they came', () => {
    const { changes, incident } = run([
      post(1, 1, { text: 'Pulls fail.', impacts: [WEST, NORTH] }),
      post(1, 2, { text: 'Pulls fail.', impacts: [WEST, NORTH] }),
      post(9, 2, { text: 'Pulls fail. Cause found.', impacts: [WEST], title: 'Title at 1' }),
    ]);
    expect(changes).toContain('No longer named: Container Registry in North Europe.');
    expect(changes).toContain('Text added: "Cause found."');
    expect(incident.posts.filter((p) => p.said !== undefined)).toHaveLength(1);
  });

  test('does not take a late older communication, nor a review, for a change of text', () => {
    const first = post(5, 1, { text: 'Now.' });
    expect(run([first, post(1, 1, { text: 'Before.' })]).changes).toEqual([]);
    const review = post(90, 1, {
      text: 'All new.',
      phase: 'note',
      state: 'resolved',
      stage: 'RCA',
      title: first.title,
    });
    expect(run([first, review]).changes.some((change) => change.startsWith('Text'))).toBe(false);
  });
});
