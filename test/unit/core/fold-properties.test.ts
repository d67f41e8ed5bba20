import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isOpen } from '#src/core/incident.ts';
import type { Signal } from '#src/core/signal.ts';
import { ownSignal } from '#src/pipeline/own-signal.ts';
import { histories } from '#test/support/histories.ts';
import { runFold, settled } from '#test/support/run-fold.ts';

const RUNS = { numRuns: 3_000, seed: 20_260_914 };

function shuffledAndDoubled(history: Signal[]): fc.Arbitrary<Signal[]> {
  return fc
    .tuple(fc.shuffledSubarray(history, { minLength: history.length }), fc.subarray(history))
    .chain(([all, again]) => fc.shuffledSubarray([...all, ...again], { minLength: all.length + again.length }));
}

/** Open periods of the run in the sender's order: how often a person may be paged at the most. */
function openPeriods(history: Signal[]): number {
  let open = false;
  let periods = 0;
  for (const signal of history) {
    const now = signal.state !== 'resolved';
    if (now && !open) periods++;
    open = now;
  }
  return periods;
}

function noteOfOurs(signal: Signal, { once, minute }: { once: string; minute: number }): Signal {
  const { identity, kind, trackingId, severity } = signal;
  const at = new Date(Date.parse('2026-09-14T08:00:00Z') + minute * 60_000);
  return ownSignal({ identity, kind, trackingId, severity, title: `Note ${once}`, phase: 'note', once, at });
}

describe.each(['outage', 'alert', 'resource'] as const)('the fold of kind %s', (kind) => {
  const cases = histories(kind).chain((history) =>
    shuffledAndDoubled(history).map((arrival) => ({ history, arrival })),
  );

  test('ends in the same incident in whatever order and however often signals arrive', () => {
    fc.assert(
      fc.property(cases, ({ history, arrival }) => {
        const whole = settled(runFold(history));
        const other = settled(runFold(arrival));
        // A new episode starts with the scope of its own signals; how many episodes there were depends on the order.
        const ignored = kind !== 'outage' ? { impacts: [], subscriptions: [] } : {};
        expect({ ...other, ...ignored }).toEqual({ ...whole, ...ignored });
      }),
      RUNS,
    );
  });

  test('never pages more often than the ordered run has open periods, and does page for what is open at the end', () => {
    fc.assert(
      fc.property(cases, ({ history, arrival }) => {
        const run = runFold(arrival);
        expect(run.pages).toBeLessThanOrEqual(openPeriods(history));
        if (isOpen(run.incident.state)) expect(run.pages).toBeGreaterThanOrEqual(1);
      }),
      RUNS,
    );
  });

  test('notes of our own, at any time and place, change neither where it ends nor how often it pages', () => {
    const noted = cases.chain(({ arrival }) =>
      fc
        .array(
          fc.record({ place: fc.integer({ min: 1, max: arrival.length }), minute: fc.integer({ min: 0, max: 300 }) }),
        )
        .map((notes) => ({ arrival, notes })),
    );
    fc.assert(
      fc.property(noted, ({ arrival, notes }) => {
        const [first] = arrival;
        const mixed = [...arrival];
        for (const [n, { place, minute }] of notes.entries())
          mixed.splice(place, 0, noteOfOurs(first!, { once: String(n), minute }));
        const [without, run] = [runFold(arrival), runFold(mixed)];
        expect(settled(run)).toEqual(settled(without));
        expect([run.pages, run.episodes]).toEqual([without.pages, without.episodes]);
      }),
      { ...RUNS, numRuns: 1_000 },
    );
  });

  test('a repeated history adds nothing', () => {
    fc.assert(
      fc.property(histories(kind), (history) => {
        const twice = runFold([...history, ...history]);
        expect(twice.outcomes.slice(history.length).every((outcome) => outcome === 'duplicate')).toBe(true);
        expect(twice.incident.revision).toBe(runFold(history).incident.revision);
      }),
      { ...RUNS, numRuns: 500 },
    );
  });
});
