/** Verdicts on series of the shapes that metrics really have: whole, half, missing, ragged at the edges. */
import { describe, expect, test } from 'vitest';
import {
  countInWords,
  evidenceInWords,
  joinChecks,
  unknownCheck,
  type Check,
  type ResourceEvidence,
} from '#src/core/evidence.ts';
import { chartOf, CHART_POINTS_MAX } from '#src/core/evidence-chart.ts';
import { judgeCounts, pairCounts, type CountPoint, type Judgement } from '#src/core/evidence-counts.ts';
import { judgeLevels, type LevelPoint } from '#src/core/evidence-levels.ts';
import { GRAIN_MS, lengthMs, windowsOf, type Windows } from '#src/core/evidence-window.ts';

const START = '2026-09-14T08:05:00.000Z';
const NOW_MS = Date.parse('2026-09-14T10:00:00.000Z');
const windows = windowsOf({ startedAt: START, endedAt: null }, NOW_MS) as Windows;
const at = (clock: string): number => Date.parse(`2026-09-14T${clock}:00.000Z`);

/** A point a minute over both windows. */
function series(of: (atMs: number) => Omit<CountPoint, 'atMs'> | null): CountPoint[] {
  const points: CountPoint[] = [];
  for (
    let atMs = Date.parse(windows.before.from);
    atMs < Date.parse(windows.during.to);
    atMs += GRAIN_MS[windows.grain]
  ) {
    const point = of(atMs);
    if (point) points.push({ atMs, ...point });
  }
  return points;
}

const judge = (of: (atMs: number) => Omit<CountPoint, 'atMs'> | null): Judgement =>
  judgeCounts(series(of), windows, 'pulls');

describe('the two windows', () => {
  test('end before what metrics are still counting, and are of one length on whole points', () => {
    expect(windows).toEqual({
      during: { from: '2026-09-14T08:05:00.000Z', to: '2026-09-14T09:57:00.000Z' },
      before: { from: '2026-09-14T06:13:00.000Z', to: '2026-09-14T08:05:00.000Z' },
      grain: 'PT1M',
    });
  });

  test.each([
    ['one minute', 4 * 60_000, 'too early'],
    ['a start that lies ahead', -60_000, 'too early'],
  ])('%s is too early, in words', (_, agoMs, words) => {
    const startedAt = new Date(NOW_MS - agoMs).toISOString();
    expect(windowsOf({ startedAt, endedAt: null }, NOW_MS)).toContain(words);
  });

  test('what was over within minutes says so, and a time that is none is no crash', () => {
    const endedAt = new Date(at('08:07')).toISOString();
    expect(windowsOf({ startedAt: START, endedAt }, NOW_MS)).toContain('over within five minutes');
    expect(windowsOf({ startedAt: 'soon', endedAt: null }, NOW_MS)).toContain('not known');
  });

  test.each([1, 5, 30, 100, 24 * 13, 24 * 400])(
    '%d hours are at most 480 points, aligned, and end at the end',
    (hours) => {
      const long = windowsOf(
        { startedAt: new Date(NOW_MS - hours * 3_600_000 - 77_000).toISOString(), endedAt: null },
        NOW_MS,
      ) as Windows;
      const width = GRAIN_MS[long.grain];
      expect(lengthMs(long.during) / width).toBeLessThanOrEqual(480);
      expect(lengthMs(long.during)).toBe(lengthMs(long.before));
      expect(Date.parse(long.during.from) % width).toBe(0);
      expect(long.before.to).toBe(long.during.from);
      expect(NOW_MS - Date.parse(long.during.to)).toBeLessThan(width + 3 * 60_000);
    },
  );
});

describe('pulls', () => {
  test('that failed for a while are a hit, with that while, its numbers, and the same length before', () => {
    const found = judge((atMs) => ({ total: 20, failed: atMs >= at('08:20') && atMs < at('08:50') ? 9 : 0 }));
    expect(found).toMatchObject({
      verdict: 'hit',
      span: { from: '2026-09-14T08:20:00.000Z', to: '2026-09-14T08:50:00.000Z' },
      during: { total: 600, failed: 270 },
      before: { total: 600, failed: 0 },
      reason: '270 of 600 pulls failed from 08:20 to 08:50 UTC (0 of 600 in the same time before)',
    });
  });

  test('an hour of failures within four days is found, though it is one per cent of them', () => {
    const nowMs = NOW_MS + 4 * 86_400_000;
    const long = windowsOf({ startedAt: START, endedAt: null }, nowMs) as Windows;
    const points: CountPoint[] = [];
    for (let atMs = Date.parse(long.before.from); atMs < Date.parse(long.during.to); atMs += GRAIN_MS[long.grain])
      points.push({ atMs, total: 150, failed: atMs >= at('08:15') && atMs < at('09:15') ? 60 : 0 });
    const found = judgeCounts(points, long, 'pulls');
    expect(found.verdict).toBe('hit');
    expect(found.during).toEqual({ total: 600, failed: 240 });
  });

  test('that failed at several times are told by the worst of them, not from the first to the last', () => {
    const bad = (atMs: number): number =>
      atMs >= at('08:05') && atMs < at('08:20') ? 5 : atMs >= at('09:36') && atMs < at('09:50') ? 12 : 0;
    const found = judge((atMs) => ({ total: 20, failed: bad(atMs) }));
    expect(found.reason).toBe(
      '168 of 280 pulls failed from 09:36 to 09:50 UTC (0 of 280 in the same time before), and at 1 other time',
    );
    expect(found.span).toEqual({ from: '2026-09-14T09:36:00.000Z', to: '2026-09-14T09:50:00.000Z' });
    // A pause of less than an hour is no end.
    const pause = judge((atMs) => ({
      total: 20,
      failed: atMs >= at('08:20') && (atMs < at('08:35') || (atMs >= at('09:05') && atMs < at('09:20'))) ? 9 : 0,
    }));
    expect(pause.span).toEqual({ from: '2026-09-14T08:20:00.000Z', to: '2026-09-14T09:20:00.000Z' });
  });

  test('that stop altogether are no sign that all is well: who cannot reach a registry fails nowhere', () => {
    const stops = judge((atMs) => ({ total: atMs < at('08:15') ? 20 : 0, failed: 0 }));
    expect(stops).toMatchObject({
      verdict: 'unknown',
      reason:
        'no pulls at all from 08:15 to 09:57 UTC; only 200 pulls in the time of the incident, 2,240 in the same time before',
    });
    // An hour of it within the window as well.
    const pause = judge((atMs) => ({ total: atMs >= at('08:15') && atMs < at('09:15') ? 0 : 20, failed: 0 }));
    expect(pause.verdict).toBe('unknown');
    // Failures beside it count as before.
    const failing = judge((atMs) => ({
      total: atMs < at('08:35') ? 20 : 0,
      failed: atMs >= at('08:05') && atMs < at('08:35') ? 9 : 0,
    }));
    expect(failing.verdict).toBe('hit');
  });

  test('that pause as they did before, for minutes only, or where few were to be expected, are not seen as before', () => {
    // Ten minutes of every forty, before and since.
    const bursts = judge((atMs) => ({ total: (atMs / 60_000) % 40 < 10 ? 50 : 0, failed: 0 }));
    const minutes = judge((atMs) => ({ total: atMs >= at('08:15') && atMs < at('08:25') ? 0 : 20, failed: 0 }));
    const rare = judge((atMs) => ({
      total: atMs >= at('08:15') && atMs < at('09:00') ? 0 : (atMs / 60_000) % 6 === 0 ? 1 : 0,
      failed: 0,
    }));
    expect([bursts.verdict, minutes.verdict, rare.verdict]).toEqual(['not seen', 'not seen', 'not seen']);
  });

  test('a few failures a minute over the whole time are a hit as well, without any stretch that stands out', () => {
    const found = judge((atMs) => ({ total: 10, failed: atMs >= at('08:05') && (atMs / 60_000) % 4 === 0 ? 1 : 0 }));
    expect(found).toMatchObject({ verdict: 'hit', before: { failed: 0 } });
  });

  test('that always fail in part are no hit: a job asks for a tag that is gone, before as now', () => {
    const found = judge((atMs) => ({ total: 20, failed: (atMs / 60_000) % 2 }));
    expect(found).toMatchObject({ verdict: 'not seen', span: null });
    expect(found.reason).toBe('56 of 2,240 pulls failed (56 of 2,240 in the same time before)');
  });

  test('that all succeed are not seen, with the numbers that say so', () => {
    expect(judge(() => ({ total: 17, failed: 0 })).reason).toBe(
      '0 of 1,904 pulls failed (0 of 1,904 in the same time before)',
    );
  });

  test('that fail no more than chance makes them are unknown, not a hit', () => {
    const found = judge((atMs) => ({
      total: (atMs / 60_000) % 8 === 0 ? 1 : 0,
      failed: [at('08:24'), at('08:40'), at('08:56')].includes(atMs) ? 1 : 0,
    }));
    expect(found.verdict).toBe('unknown');
    expect(found.reason).toContain('too few to tell from chance');
  });

  test('too few of them say nothing, and none at all is said beside what there was before', () => {
    expect(judge((atMs) => ({ total: atMs === at('09:00') ? 4 : 0, failed: 0 })).reason).toContain('only 4 pulls');
    const silent = judge((atMs) => ({ total: atMs < at('08:05') ? 9 : 0, failed: 0 }));
    expect(silent).toMatchObject({
      verdict: 'unknown',
      reason: 'no pulls in the time of the incident, 1,008 in the same time before',
    });
  });

  test('without data they are unknown, and so with half of it; a hit shows in half of it too', () => {
    expect(judge(() => null)).toMatchObject({ verdict: 'unknown', reason: expect.stringContaining('no data') });
    expect(judge((atMs) => (atMs < at('08:05') ? { total: 9, failed: 0 } : null)).reason).toContain('1,008 pulls');
    const half = (failed: number) => (atMs: number) =>
      atMs < at('08:05') || atMs >= at('09:02') ? { total: 20, failed: atMs < at('08:05') ? 0 : failed } : null;
    expect(judge(half(0))).toMatchObject({
      verdict: 'unknown',
      reason: 'data on pulls for 49 % of the time only',
    });
    expect(judge(half(8)).verdict).toBe('hit');
  });

  test('of a registry that has data only now and then are judged by what there is, as it was before', () => {
    const found = judge((atMs) => ((atMs / 60_000) % 3 === 0 ? { total: 20, failed: 0 } : null));
    expect(found.verdict).toBe('not seen');
  });

  test('with nothing before to compare with are a hit only where many of them fail', () => {
    const since = (failed: number) => (atMs: number) => (atMs < at('08:05') ? null : { total: 20, failed });
    expect(judge(since(9))).toMatchObject({
      verdict: 'hit',
      reason: expect.stringContaining('nothing to compare with'),
    });
    expect(judge(since(1)).verdict).not.toBe('hit');
  });

  test('that failed all of the time before as well have not got worse', () => {
    expect(judge(() => ({ total: 20, failed: 20 })).verdict).toBe('not seen');
  });
});

describe('the two metrics of one count', () => {
  test('a minute that only one of them has is missing, and no failure; one that runs ahead is none either', () => {
    const total = [1, 2, 3, 4].map((n) => ({ atMs: n, value: n === 4 ? null : 10 }));
    const successful = [
      { atMs: 1, value: 7 },
      { atMs: 2, value: 11 },
      { atMs: 4, value: 5 },
    ];
    expect(pairCounts(total, successful)).toEqual([
      { atMs: 1, total: 10, failed: 3 },
      { atMs: 2, total: 10, failed: 0 },
      { atMs: 3, total: null, failed: null },
      { atMs: 4, total: null, failed: null },
    ]);
  });
});

describe('nodes', () => {
  const words = { noun: 'nodes', bad: 'not ready', rise: 1 };
  const levels = (bad: (atMs: number) => number | null): LevelPoint[] =>
    series(() => ({ total: 0, failed: 0 })).map(({ atMs }) => ({ atMs, bad: bad(atMs), of: 12 }));

  test('that are not ready for more than a moment are a hit, with how many of how many', () => {
    const found = judgeLevels(
      levels((atMs) => (atMs >= at('08:30') && atMs < at('08:41') ? 3 : 0)),
      windows,
      words,
    );
    expect(found).toMatchObject({
      verdict: 'hit',
      reason: 'up to 3 of 12 nodes not ready from 08:30 to 08:41 UTC (at most 0 in the same time before)',
    });
  });

  test('that restart one by one, or were as bad before, are not', () => {
    const once = judgeLevels(
      levels((atMs) => (atMs === at('08:30') ? 1 : 0)),
      windows,
      words,
    );
    expect(once).toMatchObject({
      verdict: 'not seen',
      reason: 'at most 1 of 12 nodes not ready (0 in the same time before)',
    });
    expect(
      judgeLevels(
        levels(() => 2),
        windows,
        words,
      ).verdict,
    ).toBe('not seen');
  });

  test('of which little is known are unknown', () => {
    expect(judgeLevels([], windows, words).verdict).toBe('unknown');
    const some = levels((atMs) => (atMs > at('09:20') ? 0 : null));
    expect(judgeLevels(some, windows, words).reason).toContain('% of the time only');
  });
});

describe('a chart', () => {
  test('shows the stretch with as much around it, and never more than it can', () => {
    const points = series((atMs) => ({ total: 20, failed: atMs >= at('08:20') && atMs < at('08:50') ? 9 : 0 }));
    const whole = chartOf(points, { windows, span: null, how: 'sum' });
    expect(whole.length).toBeLessThanOrEqual(CHART_POINTS_MAX);
    expect(whole.reduce((sum, point) => sum + (point.total ?? 0), 0)).toBe(20 * 224);
    const near = chartOf(points, {
      windows,
      span: { from: '2026-09-14T08:20:00.000Z', to: '2026-09-14T08:50:00.000Z' },
      how: 'sum',
    });
    expect([near[0]!.at, near.length]).toEqual(['2026-09-14T07:50:00.000Z', 90]);
    expect(near.reduce((sum, point) => sum + (point.failed ?? 0), 0)).toBe(270);
  });

  test('leaves a hole where nothing is known, and keeps the highest of a level', () => {
    const points = series((atMs) => (atMs < at('07:00') ? null : { total: 12, failed: atMs === at('09:00') ? 5 : 1 }));
    const drawn = chartOf(points, { windows, span: null, how: 'highest' });
    expect(drawn[0]).toMatchObject({ total: null, failed: null });
    expect(Math.max(...drawn.map((point) => point.failed ?? 0))).toBe(5);
    expect(Math.max(...drawn.map((point) => point.total ?? 0))).toBe(12);
  });
});

describe('a verdict', () => {
  const check = (verdict: Check['verdict'], reason: string): Check => ({
    ...unknownCheck({ what: 'pulls', source: 'metrics', query: 'q', reason }),
    verdict,
  });

  test('is a hit where any source saw it, else not seen where one looked, else unknown with every reason', () => {
    const [hit, clear, dark] = [check('hit', 'a'), check('not seen', 'b'), check('unknown', 'c')];
    expect(joinChecks([clear, dark, hit])).toEqual({ verdict: 'hit', reason: 'a' });
    expect(joinChecks([dark, clear])).toEqual({ verdict: 'not seen', reason: 'b' });
    expect(joinChecks([dark, check('unknown', 'd')])).toEqual({ verdict: 'unknown', reason: 'c; d' });
    expect(joinChecks([])).toMatchObject({ verdict: 'unknown' });
  });

  test('in a message names the hit ones with their numbers first, and stays short', () => {
    const one = (name: string, verdict: ResourceEvidence['verdict'], reason = 'x') => ({ name, verdict, reason });
    expect(
      evidenceInWords([
        one('acr1', 'unknown', 'no data'),
        one('acr2', 'hit', '412 of 1,900 pulls failed'),
        one('acr3', 'not seen'),
      ]),
    ).toBe('acr2 hit: 412 of 1,900 pulls failed; not seen at acr3; unknown at acr1 (no data)');
    expect(evidenceInWords([one('acr1', 'not seen', '0 of 900 pulls failed')])).toBe(
      'not seen at acr1 (0 of 900 pulls failed)',
    );
    const many = Array.from({ length: 500 }, (_, n) => one(`acr${n}`, 'hit', 'r'.repeat(5000)));
    expect(evidenceInWords(many).length).toBeLessThan(800);
    expect(evidenceInWords(many)).toContain('497 more hit');
    expect(evidenceInWords([])).toBe('');
  });

  test.each([
    [0, '0'],
    [999, '999'],
    [1900, '1,900'],
    [1234567, '1,234,567'],
  ])('%d reads %s', (count, words) => {
    expect(countInWords(count)).toBe(words);
  });
});
