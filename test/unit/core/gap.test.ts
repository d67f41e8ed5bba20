/** What counts as missing, what stage a pulled post has, and which spans are gaps. */
import { describe, expect, test } from 'vitest';
import { postHash } from '#src/core/fingerprint.ts';
import { quietSpans, spanOf, type Beat } from '#src/core/gap.ts';
import { stageOfUpdate, type AzureEvent } from '#src/core/gap-event.ts';
import { findMissing } from '#src/core/gap-missing.ts';
import type { Post } from '#src/core/incident.ts';

const T = (minute: number): string => new Date(Date.parse('2026-09-14T08:00:00Z') + minute * 60_000).toISOString();

function event(texts: readonly (readonly [number, string, string?])[], more: Partial<AzureEvent> = {}): AzureEvent {
  const updates = texts.map(([minute, html, tag]) => ({ at: T(minute), html, tags: tag === undefined ? [] : [tag] }));
  return {
    trackingId: 'CNT1-0AR',
    subscription: 'sub-1',
    eventType: 'ServiceIssue',
    status: 'Active',
    level: 'Warning',
    title: 'pulls fail',
    startedAt: T(-20),
    mitigatedAt: null,
    updatedAt: updates.at(-1)?.at ?? T(0),
    impacts: [{ service: 'Container Registry', regions: ['West Europe'] }],
    updates,
    ...more,
  };
}

function post(minute: number, stage: string, html: string, id: string | null = `c${minute}`): Post {
  return {
    id,
    hash: postHash(stage, html),
    at: T(minute),
    phase: stage === 'Resolved' ? 'close' : 'open',
    stage,
    state: stage === 'Resolved' ? 'resolved' : 'active',
    severity: 'warning',
    severityCertain: true,
    retracted: false,
    title: '',
    startedAt: null,
    mitigatedAt: null,
    endsAt: null,
  };
}

const ALL = { since: T(-60), notAfter: T(1000) };
const texts = (found: ReturnType<typeof findMissing>): string[] => found.updates.map(({ update }) => update.html);

describe('missing posts', () => {
  test('a post that push brought with an id is known by its text, whatever its mark-up and stage', () => {
    const held = {
      posts: [post(0, 'Active', '<p>We are <b>looking</b> into&nbsp;it.</p>'), post(40, 'Resolved', 'It is over.')],
      subscriptions: ['sub-1'],
    };
    const pulled = event(
      [
        [0, 'We are looking into it.'],
        [20, 'Still at it.'],
        [40, '<p>It is over.</p>'],
      ],
      { status: 'Resolved' },
    );
    expect(texts(findMissing([pulled], held, ALL))).toEqual(['Still at it.']);
  });

  test('where only the form of a text differs, time tells, and one held post stands for one pulled post only', () => {
    const held = { posts: [post(10, 'Active', 'Text as pushed, with a footer.')], subscriptions: ['sub-1'] };
    const pulled = event([
      [10, 'Text as pulled'],
      [11, 'A second one a minute later'],
    ]);
    expect(texts(findMissing([pulled], held, ALL))).toEqual(['A second one a minute later']);
  });

  test('an old story that we never heard of stays old, unless it is an outage that goes on', () => {
    const old = { updatedAt: T(-600) };
    expect(findMissing([event([[-600, 'x']], { ...old, status: 'Resolved' })], null, ALL).updates).toEqual([]);
    expect(findMissing([event([[-600, 'x']], { ...old, eventType: 'HealthAdvisory' })], null, ALL).updates).toEqual([]);
    expect(texts(findMissing([event([[-600, 'x']], old)], null, ALL))).toEqual(['x']);
  });

  test('what is too young is left to push, also when it is all there is', () => {
    const pulled = event([
      [0, 'a'],
      [30, 'b'],
    ]);
    expect(texts(findMissing([pulled], null, { ...ALL, notAfter: T(20) }))).toEqual(['a']);
    expect(findMissing([event([[30, 'b']])], null, { ...ALL, notAfter: T(20) })).toEqual({
      updates: [],
      subscriptions: [],
    });
  });

  test('the same post of forty subscriptions is missing once; subscriptions that nobody named join', () => {
    const pulled = Array.from({ length: 40 }, (_, n) => event([[0, 'a']], { subscription: `sub-${n + 1}` }));
    const unknown = findMissing(pulled, null, ALL);
    expect([unknown.updates.length, unknown.subscriptions.length]).toEqual([1, 39]);
    const held = { posts: [post(0, 'Active', 'a')], subscriptions: ['sub-1', 'sub-2'] };
    const known = findMissing(pulled, held, ALL);
    expect([known.updates.length, known.subscriptions.length]).toEqual([0, 38]);
  });
});

describe('an event that turned Resolved without a new text', () => {
  const held = { posts: [post(0, 'Active', 'a'), post(20, 'Active', 'b')], subscriptions: ['sub-1', 'sub-2'] };
  const over = { status: 'Resolved', updatedAt: T(50) };
  const pulled = event(
    [
      [0, 'a'],
      [20, 'b'],
    ],
    over,
  );
  const ends = (events: AzureEvent[], mine: typeof held = held, options = ALL): string[] =>
    findMissing(events, mine, options).updates.map(
      ({ event: of, update }) => `${stageOfUpdate(of, update)} ${update.html} ${update.at}`,
    );

  test('ends what we hold open, with its last words, when Azure touched it last', () => {
    expect(ends([pulled])).toEqual([`Resolved b ${T(50)}`]);
    expect(ends([event([], over)])).toEqual([`Resolved  ${T(50)}`]);
    expect(ends([event([[20, 'b']], { ...over, eventType: 'PlannedMaintenance' })])).toEqual([`Complete b ${T(50)}`]);
    expect(ends([pulled, event([[20, 'b']], { ...over, subscription: 'sub-2', updatedAt: T(45) })])).toEqual([
      `Resolved b ${T(45)}`,
    ]);
  });

  test('also where the end fell into the minute of the last post, or an older post is missing too', () => {
    expect(ends([{ ...pulled, updatedAt: T(20) }])).toEqual([`Resolved b ${T(20)}`]);
    expect(ends([pulled], { ...held, posts: [post(20, 'Active', 'b')] })).toEqual([
      `Active a ${T(0)}`,
      `Resolved b ${T(50)}`,
    ]);
  });

  test('also where the alert of the last post came minutes after the end; its own time is not before that', () => {
    const late = { ...held, posts: [post(0, 'Active', 'a'), post(24, 'Active', 'b')] };
    expect(ends([{ ...pulled, updatedAt: T(22) }], late)).toEqual([`Resolved b ${T(24)}`]);
  });

  test('ends nothing twice, nothing that has newer news, nothing that one view calls active, and nothing too young', () => {
    const end = { ...post(50, 'Resolved', 'b', null) };
    expect(ends([pulled], { ...held, posts: [...held.posts, end] })).toEqual([]);
    expect(ends([pulled], { ...held, posts: [...held.posts, post(60, 'Active', 'back again')] })).toEqual([]);
    expect(ends([pulled, event([[20, 'b']], { subscription: 'sub-2' })])).toEqual([]);
    expect(ends([pulled], held, { ...ALL, notAfter: T(49) })).toEqual([]);
    expect(ends([event([[20, 'b']], { ...over, eventType: 'RCA' })])).toEqual([]);
    const review = event(
      [
        [20, 'b'],
        [45, 'why', 'Final PIR'],
      ],
      over,
    );
    expect(ends([review])).toEqual([`RCA why ${T(45)}`]);
  });
});

describe('stages', () => {
  test('the newest post of what is over is its end, a tagged one is a review', () => {
    const over = event(
      [
        [0, 'a'],
        [20, 'b'],
        [4000, 'c', 'Preliminary PIR'],
      ],
      { status: 'Resolved' },
    );
    expect(over.updates.map((update) => stageOfUpdate(over, update))).toEqual(['Active', 'Resolved', 'RCA']);
  });

  test('a maintenance is planned until it starts', () => {
    const more = { eventType: 'PlannedMaintenance', startedAt: T(100) };
    const planned = event(
      [
        [0, 'a'],
        [150, 'b'],
      ],
      more,
    );
    expect(planned.updates.map((update) => stageOfUpdate(planned, update))).toEqual(['Planned', 'InProgress']);
    const done = event(
      [
        [0, 'a'],
        [150, 'b'],
      ],
      { ...more, status: 'Resolved' },
    );
    expect(done.updates.map((update) => stageOfUpdate(done, update))).toEqual(['Planned', 'Complete']);
  });
});

describe('spans', () => {
  const beat = (first: number, last: number, process: string): Beat => ({
    firstAt: T(first),
    lastAt: T(last),
    process,
  });

  test('two minutes without a beat are none; twenty are, and the process tells whose fault it was', () => {
    expect(quietSpans([beat(0, 0.9, 'a'), beat(3, 3.9, 'a')])).toEqual([]);
    expect(quietSpans([beat(0, 0.9, 'a'), beat(21, 22, 'b')])).toEqual([
      { from: T(0.9), to: T(21), cause: 'not-running' },
    ]);
    expect(quietSpans([beat(0, 0.9, 'a'), beat(21, 22, 'b'), beat(21.1, 22, 'a')])).toEqual([
      { from: T(0.9), to: T(21), cause: 'database-away' },
    ]);
  });

  test('another replica that was there leaves no gap', () => {
    expect(quietSpans([beat(0, 0.5, 'a'), beat(0, 20, 'b'), beat(20.5, 21, 'a')])).toEqual([]);
  });

  test('a span explains posts from shortly before it to the end of the block that Azure makes after it', () => {
    const spans = [{ from: T(0), to: T(20) }];
    expect([-6, -4, 10, 36, 38].map((minute) => spanOf(spans, T(minute)) !== null)).toEqual([
      false,
      true,
      true,
      true,
      false,
    ]);
  });
});
