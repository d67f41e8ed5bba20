/** What destinations hear of alerts that are damped: over time, across episodes, whatever comes. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { play, type Episode, type Message } from '#src/cli/play.ts';
import type { Report } from '#src/core/alert-history.ts';
import { dampingRules, type DampingRules } from '#src/core/damping.ts';
import { judgeFlapping, type FlappingRule } from '#src/core/flapping.ts';
import type { Change, Snapshot } from '#src/core/incident.ts';
import type { UpdatesPolicy } from '#src/core/plan.ts';
import type { Severity } from '#src/core/signal.ts';
import type { SustainedRule } from '#src/core/sustained.ts';

const MIN = 60_000;
const SUSTAINED: SustainedRule = { times: 3, of: 5, inMs: 10 * MIN, severe: false };
const FLAPPING: FlappingRule = { changes: 4, withinMs: 30 * MIN, quietMs: 15 * MIN, severe: false };

function snapshot(change: Change, severity: Severity): Snapshot {
  const over = change === 'close';
  const none = { startedAt: null, mitigatedAt: null, resolvedAt: null, endsAt: null, communication: null };
  const stands = {
    state: over ? ('resolved' as const) : ('active' as const),
    stage: null,
    severity,
    title: 'T',
    retracted: false,
  };
  return { ...none, ...stands, change, severityRose: false, changes: [], late: false };
}

/** Openings and ends in turn, at these times: one episode per opening. */
function story(timesMs: readonly number[], severity: Severity = 'warning'): { episodes: Episode[]; reports: Report[] } {
  const episodes: Episode[] = [];
  const reports: Report[] = [];
  timesMs.forEach((atMs, index) => {
    const episode = Math.floor(index / 2) + 1;
    const opens = index % 2 === 0;
    const revision = { revision: opens ? 1 : 2, atMs, snapshot: snapshot(opens ? 'open' : 'close', severity) };
    if (opens) episodes.push({ episode, firstRevision: 1, revisions: [revision] });
    else
      episodes[episode - 1] = { ...episodes[episode - 1]!, revisions: [...episodes[episode - 1]!.revisions, revision] };
    reports.push({ atMs, episode, firing: opens, turn: true });
  });
  return { episodes, reports };
}

interface Heard {
  rules?: { sustained?: SustainedRule; flapping?: FlappingRule };
  updates?: UpdatesPolicy;
  untilMs?: number;
  severity?: Severity;
}

function hear(
  timesMs: readonly number[],
  { rules = {}, updates = { policy: 'lifecycle' }, untilMs = Infinity, severity = 'warning' }: Heard = {},
): Message[] {
  return play({
    ...story(timesMs, severity),
    rules: (now) => dampingRules([rules], { kind: 'alert', severity: now }),
    updates: () => updates,
    untilMs,
  });
}

/** `open1@0 resolve1@3`: the action, the page, the minute. */
function words(minutes: readonly number[], heard: Heard = {}): string {
  const messages = hear(
    minutes.map((m) => m * MIN),
    heard,
  );
  return messages.map(({ action, page, atMs }) => `${action}${page}@${Math.round((atMs / MIN) * 10) / 10}`).join(' ');
}

describe('3 of 5 in 10m', () => {
  const rules = { sustained: SUSTAINED };
  test.each([
    [[0], 'open1@4'],
    [[0, 3], ''],
    [[0, 7], 'open1@4 resolve1@7'],
    [[0, 3, 20, 22], ''],
    [[0, 1, 2, 3, 4, 9], 'open3@4 resolve3@9'],
  ])('%j: %s', (minutes, expected) => expect(words(minutes, { rules })).toBe(expected));

  test('Sev0 and Sev1 are told at once unless the rule says that it holds for them too', () => {
    expect(words([0, 3], { rules, severity: 'error' })).toBe('open1@0 resolve1@3');
    expect(words([0, 3], { rules: { sustained: { ...SUSTAINED, severe: true } }, severity: 'critical' })).toBe('');
  });
});

describe('4 changes in 30m, quiet after 15m', () => {
  const rules = { flapping: FLAPPING };
  test.each([
    [[0, 5, 10], 'open1@0 resolve1@5 open2@10'],
    // The fourth change is an end: it goes out, and the next opening says that it flaps.
    [[0, 1, 2, 3], 'open1@0 resolve1@1 open2@2 resolve2@3'],
    [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 'open1@0 resolve1@1 open2@2 resolve2@3 open3@4 resolve3@24'],
    // Still open when it is quiet: the page that says that it flaps goes on with the newest episode, and is closed with it.
    [[0, 1, 2, 3, 4, 5, 6], 'open1@0 resolve1@1 open2@2 resolve2@3 open3@4 update3@21'],
    [[0, 1, 2, 3, 4], 'open1@0 resolve1@1 open2@2 resolve2@3 open3@4 update3@19'],
    [[0, 1, 2, 3, 4, 5, 6, 50], 'open1@0 resolve1@1 open2@2 resolve2@3 open3@4 update3@21 resolve3@50'],
    // A new story after the quiet.
    [[0, 1, 2, 3, 4, 5, 60, 61], 'open1@0 resolve1@1 open2@2 resolve2@3 open3@4 resolve3@20 open4@60 resolve4@61'],
  ])('%j: %s', (minutes, expected) => expect(words(minutes, { rules })).toBe(expected));

  test('with sustained as well, what flaps is told as that: a short opening is not asked to last', () => {
    expect(words([0, 1, 2, 3, 4, 5], { rules: { ...rules, sustained: { ...SUSTAINED, times: 5 } } })).toBe(
      'open3@4 resolve3@20',
    );
  });
});

describe('which rules hold', () => {
  const alert = { kind: 'alert', severity: 'warning' } as const;
  test('every route that names the destination must ask; the first flapping rule counts', () => {
    const other = { ...FLAPPING, changes: 9 };
    expect(dampingRules([{ sustained: SUSTAINED }, {}], alert)).toBeNull();
    expect(dampingRules([{ flapping: FLAPPING }, { flapping: other, sustained: SUSTAINED }], alert)).toEqual({
      sustained: [],
      flapping: FLAPPING,
    } satisfies DampingRules);
  });
  test.each(['outage', 'maintenance', 'advisory', 'security', 'change', 'unrecognised'] as const)(
    '%s is never damped',
    (kind) => {
      const severe = { sustained: { ...SUSTAINED, severe: true }, flapping: { ...FLAPPING, severe: true } };
      expect(dampingRules([severe], { kind, severity: 'info' })).toBeNull();
    },
  );
});

const times = fc
  .array(fc.oneof(fc.integer({ min: 1, max: 5 * MIN }), fc.integer({ min: 1, max: 60 * MIN })), {
    minLength: 1,
    maxLength: 40,
  })
  .map((gaps) =>
    gaps.map(
      (
        (sum) => (gap: number) =>
          (sum += gap)
      )(0),
    ),
  );
const sustainedRule = fc.record({
  times: fc.integer({ min: 1, max: 6 }),
  of: fc.constant(6),
  inMs: fc.integer({ min: 1_000, max: 30 * MIN }),
  severe: fc.constant(false),
});
const flappingRule = fc.record({
  changes: fc.integer({ min: 3, max: 8 }),
  withinMs: fc.integer({ min: 1_000, max: 60 * MIN }),
  quietMs: fc.integer({ min: 1_000, max: 30 * MIN }),
  severe: fc.constant(false),
});
const asked = fc.oneof(
  fc.record({ sustained: sustainedRule }),
  fc.record({ flapping: flappingRule }),
  fc.record({ sustained: sustainedRule, flapping: flappingRule }),
);
const policy = fc.constantFrom<UpdatesPolicy>({ policy: 'each' }, { policy: 'lifecycle' });
const pages = (messages: readonly Message[]): number => messages.filter((one) => one.action === 'open').length;

describe('whatever comes', () => {
  test('damping makes no page more, and no message more but the one that says that it has stopped', () => {
    fc.assert(
      fc.property(times, asked, policy, (at, rules, updates) => {
        const [plain, damped] = [hear(at, { updates }), hear(at, { updates, rules })];
        expect(pages(damped)).toBeLessThanOrEqual(pages(plain));
        expect(damped.length).toBeLessThanOrEqual(
          plain.length + damped.filter((one) => one.action === 'update').length,
        );
      }),
    );
  });

  test('every page is opened once and closed once it is over; what is open at the end has been told', () => {
    fc.assert(
      fc.property(times, asked, policy, (at, rules, updates) => {
        const heard = hear(at, { updates, rules });
        const open = new Set<number>();
        for (const { action, page } of heard) {
          if (action === 'open') expect(open.has(page)).toBe(false);
          else expect(open.has(page)).toBe(true);
          if (action === 'open') open.add(page);
          if (action === 'resolve') open.delete(page);
        }
        // An odd number of changes: it is still open.
        expect(open.size).toBe(at.length % 2);
      }),
    );
  });

  test('once it says that it flaps nothing is sent until it has been quiet', () => {
    fc.assert(
      fc.property(times, flappingRule, policy, (at, flapping, updates) => {
        const heard = hear(at, { rules: { flapping }, updates });
        const { reports } = story(at);
        heard.forEach(({ action, atMs }, index) => {
          const next = heard[index + 1];
          if (action !== 'open' || !next) return;
          const before = reports.filter((report) => report.atMs <= atMs);
          if (judgeFlapping(before, flapping, atMs).state !== 'flapping') return;
          const change = at.findLast((one) => one < next.atMs)!;
          expect(next.atMs - change).toBeGreaterThanOrEqual(flapping.quietMs);
          // The same page says that it has stopped: no other is opened for what happened meanwhile.
          expect([next.page, next.action === 'open']).toEqual([heard[index]!.page, false]);
        });
      }),
    );
  });

  test('an opening that stays is told before its window is over', () => {
    fc.assert(
      fc.property(times, sustainedRule, (at, sustained) => {
        fc.pre(at.length % 2 === 1);
        const last = hear(at, { rules: { sustained } }).at(-1)!;
        expect(last).toMatchObject({ action: 'open', episode: (at.length + 1) / 2 });
        expect(last.atMs).toBeLessThan(at.at(-1)! + sustained.inMs);
      }),
    );
  });
});
