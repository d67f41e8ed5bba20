/** The part of the page that answers "did it hit us?": a drawing that says the same in words, and nothing that can break out of it. */
import { describe, expect, test } from 'vitest';
import type { ChartPoint, Check, ResourceEvidence } from '#src/core/evidence.ts';
import { evidenceChart } from '#src/web/evidence-chart.ts';
import { evidenceSection } from '#src/web/incident-evidence.ts';

const START = '2026-09-14T08:05:00.000Z';
const points: ChartPoint[] = Array.from({ length: 12 }, (_, n) => ({
  at: new Date(Date.parse('2026-09-14T08:00:00.000Z') + n * 300_000).toISOString(),
  total: 100,
  failed: n === 6 ? 40 : 0,
}));
const check = (more: Partial<Check> = {}): Check => ({
  what: 'pulls',
  source: 'metrics',
  query: 'TotalPullCount',
  verdict: 'hit',
  reason: '40 of 100 pulls failed',
  during: null,
  before: null,
  span: null,
  points,
  ...more,
});
const drawn = async (one: Check, startedAt: string | null = START): Promise<string> =>
  String(await evidenceChart(one, startedAt));

describe('a chart', () => {
  test('says in words what it shows: span, worst moment, holes', async () => {
    const holes = points.map((point, n) => (n < 3 ? { ...point, total: null, failed: null } : point));
    expect(await drawn(check({ points: holes }))).toContain(
      'aria-label="Chart of pulls from 08:00 to 09:00 UTC; most failed at 08:30: 40 of 100; no data at 3 of 12 points. 40 of 100 pulls failed."',
    );
  });

  test('marks the start of the impact where it lies within, and draws a hole as a hole', async () => {
    expect(await drawn(check())).toMatch(/<line class="began" x1="10\.0"/);
    expect(await drawn(check(), '2026-09-13T00:00:00.000Z')).not.toContain('impact began');
    expect(await drawn(check(), null)).not.toContain('impact began');
    const svg = await drawn(check({ points: points.map((point) => ({ ...point, total: null, failed: null })) }));
    expect(svg.trim()).toBe('');
  });

  test('holds no style, script or text of its own, whatever the reason says', async () => {
    const svg = await drawn(check({ reason: '"><script>alert(1)</script>' }));
    expect(svg).not.toContain('<script');
    expect(svg).not.toMatch(/ style=|<text/);
  });

  test.each([[[]], [[points[0]!]], [points.map((point) => ({ ...point, total: 0, failed: 0 }))]])(
    'of nothing is nothing',
    async (none) => expect((await drawn(check({ points: none }))).trim()).toBe(''),
  );
});

describe('the section', () => {
  const evidence = (name: string, more: Partial<ResourceEvidence> = {}) => {
    const data: ResourceEvidence = {
      resource: `/x/${name}`,
      name,
      kind: 'registry',
      verdict: 'hit',
      reason: 'because',
      checks: [check()],
      alerts: [],
      serving: null,
      replicas: [],
      advice: [],
      ...more,
    };
    return {
      resource: data.resource,
      verdict: data.verdict,
      reason: data.reason,
      told: null,
      memory: null,
      data,
      takenAt: START,
    };
  };
  const page = async (rows: ReturnType<typeof evidence>[]): Promise<string> =>
    String(await evidenceSection({ evidence: rows, incident: { startedAt: START } as never, at: null }));

  test('is not there where nobody has looked', async () => expect((await page([])).trim()).toBe(''));

  test('draws those that were hit, at most twelve, and lists the others', async () => {
    const rows = [
      ...Array.from({ length: 15 }, (_, n) => evidence(`acr${n}`)),
      evidence('acrfine', { verdict: 'not seen' }),
    ];
    const text = await page(rows);
    expect(text.match(/<svg/g)).toHaveLength(12);
    expect(text).toContain('4 more of our resources');
    expect(text).toContain('acrfine');
  });

  test('draws one where none was hit, so that "not seen" can be believed', async () => {
    expect(
      (await page([evidence('acr1', { verdict: 'not seen' }), evidence('acr2', { verdict: 'not seen' })])).match(
        /<svg/g,
      ),
    ).toHaveLength(1);
  });

  test('names of resources cannot become markup', async () => {
    expect(await page([evidence('<img src=x>', { advice: ['<b>x'], reason: '<i>' })])).not.toMatch(/<img|<b>x|<i>/);
  });
});
