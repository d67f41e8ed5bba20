import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  byMonth,
  coveredMinutes,
  distribution,
  durationsOf,
  summarise,
  type ClockFacts,
  type ClockRow,
  type Span,
} from '#src/core/clocks.ts';

const NONE: ClockFacts = {
  impactStartedAt: null,
  firstCommunicationAt: null,
  firstSignalAt: null,
  committedAt: null,
  firstPageAt: null,
  firstToldAt: null,
  acknowledgedAt: null,
  mitigatedAt: null,
  resolvedAt: null,
  reviewedAt: null,
};
const at = (time: string): string => `2026-09-14T${time}:00.000Z`;
const MINUTE = 60_000;
const span = fc
  .record({ from: fc.integer({ min: 0, max: 5_000_000 }), minutes: fc.integer({ min: 1, max: 200_000 }) })
  .map(({ from, minutes }): Span => ({ from: from * MINUTE, to: (from + minutes) * MINUTE }));

describe('durations', () => {
  test('are measured from what a review asks: notice, notify, acknowledge, mitigate', () => {
    const clocks = {
      ...NONE,
      impactStartedAt: at('08:00'),
      firstCommunicationAt: at('08:25'),
      firstSignalAt: at('08:27'),
      firstPageAt: at('08:28'),
      firstToldAt: at('08:27'),
      acknowledgedAt: at('08:40'),
      mitigatedAt: at('10:00'),
    };
    expect(durationsOf(clocks)).toEqual({
      toCommunicate: 1500,
      toNotice: 1620,
      toNotify: 60,
      toAcknowledge: 720,
      toMitigate: 7200,
      toResolve: null,
    });
  });

  test('count from the first message where nobody is paged, and are unknown where they would run backwards', () => {
    const told = { ...NONE, firstSignalAt: at('08:00'), firstToldAt: at('08:01') };
    expect(durationsOf(told).toNotify).toBe(60);
    expect(durationsOf({ ...NONE, impactStartedAt: at('09:00'), firstSignalAt: at('08:00') }).toNotice).toBeNull();
  });
});

describe('impact minutes', () => {
  test('count overlapping outages once', () => {
    const spans = [
      { from: 0, to: 60 * MINUTE },
      { from: 30 * MINUTE, to: 90 * MINUTE },
      { from: 200 * MINUTE, to: 210 * MINUTE },
    ];
    expect(coveredMinutes(spans)).toBe(100);
  });

  test('never exceed the sum of the spans nor fall below the longest, in any order', () => {
    fc.assert(
      fc.property(fc.array(span, { minLength: 1, maxLength: 20 }), (spans) => {
        const lengths = spans.map((s) => (s.to - s.from) / MINUTE);
        const covered = coveredMinutes(spans);
        expect(covered).toBeLessThanOrEqual(lengths.reduce((a, b) => a + b, 0) + 1e-6);
        expect(covered).toBeGreaterThanOrEqual(Math.max(...lengths) - 1e-6);
        expect(coveredMinutes(spans.toReversed())).toBeCloseTo(covered, 6);
      }),
    );
  });

  test('cut at months add up to the whole', () => {
    fc.assert(
      fc.property(span, (s) => {
        const parts = [...byMonth(s).values()];
        expect(parts.reduce((sum, part) => sum + part.to - part.from, 0)).toBe(s.to - s.from);
        expect(parts[0]!.from).toBe(s.from);
      }),
    );
  });
});

describe('groups', () => {
  const row = (from: string, to: string | null, regions: string[]): ClockRow => ({
    clocks: { ...NONE, impactStartedAt: from, mitigatedAt: to, firstSignalAt: from },
    open: to === null,
    services: ['Container Registry'],
    regions,
    registries: [],
  });
  const period = { from: Date.parse('2026-08-01T00:00:00Z'), to: Date.parse('2026-10-01T00:00:00Z') };
  const nowMs = Date.parse('2026-09-14T12:00:00Z');

  test('an outage over the end of a month counts in both, one that is open counts until now', () => {
    const rows = [
      row('2026-08-31T23:00:00.000Z', '2026-09-01T02:00:00.000Z', ['West Europe']),
      row('2026-09-14T11:00:00.000Z', null, ['East US']),
    ];
    expect(summarise(rows, { by: 'month', period, nowMs }).map((g) => [g.key, g.incidents, g.impactMinutes])).toEqual([
      ['2026-08', 1, 60],
      ['2026-09', 2, 180],
    ]);
    expect(summarise(rows, { by: 'region', period, nowMs }).map((g) => [g.key, g.impactMinutes])).toEqual([
      ['East US', 60],
      ['West Europe', 180],
    ]);
  });

  test('percentiles are values that did occur', () => {
    expect(distribution([5, null, 1, 9])).toEqual({ count: 3, p50: 5, p90: 9, p99: 9, max: 9 });
    expect(distribution([])).toEqual({ count: 0, p50: null, p90: null, p99: null, max: null });
  });
});
