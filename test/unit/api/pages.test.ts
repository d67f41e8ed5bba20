import { describe, expect, test } from 'vitest';
import { parseUtc } from '#src/api/schemas.ts';
import { axisSvg, type AxisData } from '#src/web/axis.ts';
import { localPath } from '#src/web/guard.ts';

describe('where the log-in leads', () => {
  test.each([
    ['/incidents/inc_1?at=1', '/incidents/inc_1?at=1'],
    ['https://evil.example/x?y=1', '/x?y=1'],
    ['//evil.example', '/'],
    [String.raw`/\evil.example`, '/'],
    ['javascript:alert(1)', '/'],
    ['', '/'],
    ['http://[', '/'],
  ])('%s stays on our own pages', (given, path) => {
    const found = localPath(given);
    expect(found).toBe(path);
    expect(new URL(found, 'http://relay.example').host).toBe('relay.example');
  });
});

test('a moment without a zone is UTC', () => {
  expect(new Date(parseUtc('2026-09-14 09:14')).toISOString()).toBe('2026-09-14T09:14:00.000Z');
  expect(new Date(parseUtc('2026-09-14T11:14+02:00')).toISOString()).toBe('2026-09-14T09:14:00.000Z');
  expect(new Date(parseUtc('2026-09-14')).toISOString()).toBe('2026-09-14T00:00:00.000Z');
  for (const odd of ['soon', '14', '+275000-01-01T00:00Z', '']) expect(parseUtc(odd)).toBeNaN();
});

describe('the time axis', () => {
  const base: AxisData = {
    startedAt: '2026-09-14T08:00:00.000Z',
    mitigatedAt: '2026-09-14T10:00:00.000Z',
    endsAt: null,
    resolvedAt: '2026-09-14T10:30:00.000Z',
    state: 'resolved',
    now: '2026-10-20T00:00:00.000Z',
    entries: [],
  };
  const said = (at: string): AxisData['entries'][number] => ({
    at,
    kind: 'communication',
    summary: '<b>said</b>',
    voice: 'microsoft',
    data: {},
  });

  test('puts a review of two weeks later behind a break and keeps the hours of the outage wide', () => {
    const svg = axisSvg({ ...base, entries: [said('2026-09-14T08:30:00.000Z'), said('2026-09-28T08:00:00.000Z')] });
    expect(svg).toContain('class="break"');
    const width = Number(/class="impact over"[^>]* width="([\d.]+)"/.exec(svg)?.[1]);
    expect(width).toBeGreaterThan(500);
  });

  test('joins what lies on each other into one mark with its number, and escapes what was said', () => {
    const svg = axisSvg({ ...base, entries: Array.from({ length: 40 }, () => said('2026-09-14T08:30:00.000Z')) });
    expect(svg.match(/<circle/g)).toHaveLength(1);
    expect(svg).toContain('>40</text>');
    expect(svg).not.toContain('<b>');
  });

  test('holds no number that is none, also for an incident of a single moment', () => {
    const lone = {
      ...base,
      startedAt: null,
      mitigatedAt: null,
      resolvedAt: null,
      entries: [said('2026-09-14T08:30:00.000Z')],
    };
    expect(axisSvg(lone)).not.toMatch(/NaN|Infinity/);
    expect(axisSvg({ ...lone, entries: [] })).toBe('');
  });

  test('draws evidence as bands', () => {
    const data = { from: '2026-09-14T08:10:00.000Z', to: '2026-09-14T08:40:00.000Z' };
    const evidence = { at: data.from, kind: 'evidence', summary: 'pulls down by 60 %', voice: 'relay', data };
    expect(axisSvg({ ...base, entries: [evidence] })).toContain('class="band"');
  });
});
