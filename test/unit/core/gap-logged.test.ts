/** Which communications of the activity log are news: by id, else by text, else by time, and never an end taken for told. */
import { describe, expect, test } from 'vitest';
import { postHash } from '#src/core/fingerprint.ts';
import { findUnheld, type LoggedPost, type Unheld } from '#src/core/gap-logged.ts';
import type { Post } from '#src/core/incident.ts';
import type { Signal } from '#src/core/signal.ts';
import { heldSignal } from '#src/pipeline/backfill/signals.ts';

const T = (minute: number): string => new Date(Date.parse('2026-09-14T08:00:00Z') + minute * 60_000).toISOString();
const ALL = { since: T(-60), notAfter: T(1000) };

function post(minute: number, stage: string, html: string, id: string | null): Post {
  const over = stage === 'Resolved';
  return {
    id,
    hash: postHash(stage, html),
    at: T(minute),
    phase: over ? 'close' : stage === 'RCA' ? 'note' : 'open',
    stage,
    state: over ? 'resolved' : 'active',
    severity: 'warning',
    severityCertain: true,
    retracted: false,
    title: '',
    startedAt: null,
    mitigatedAt: null,
    endsAt: null,
  };
}

const INCIDENT = { identity: 'sh/cnt1-0ar', trackingId: 'CNT1-0AR', kind: 'outage' } as const;

function logged(minute: number, stage: string, html: string, id: string | null, subscriptions = ['sub-1']): LoggedPost {
  const signal: Signal = {
    ...heldSignal(INCIDENT, post(minute, stage, html, id)),
    communication: { id, title: '', html },
    subscriptions: subscriptions.slice(0, 1),
  };
  return { signal, subscriptions };
}

const held = (...posts: Post[]): { posts: Post[]; subscriptions: string[] } => ({ posts, subscriptions: ['sub-1'] });
const ids = (found: Unheld): (string | null)[] => found.posts.map(({ signal }) => signal.post.id);
const growth = (found: Unheld): string[] => found.subscriptions.map(({ subscription }) => subscription);

describe('a communication is held', () => {
  test('by its id, whatever its text became; another id at the same time with another text is news', () => {
    const found = findUnheld(
      [logged(0, 'Active', 'as corrected', 'c1'), logged(1, 'Active', 'another', 'c2')],
      held(post(0, 'Active', 'as pushed', 'c1')),
      ALL,
    );
    expect(ids(found)).toEqual(['c2']);
  });

  test('by its text where a pull has brought it without an id, also under a stage that was guessed otherwise', () => {
    const rows = [logged(0, 'Planned', '<p>Work&nbsp;ahead.</p>', 'c1'), logged(9, 'Rescheduled', 'Moved.', 'c2')];
    const found = findUnheld(
      rows,
      held(post(0, 'InProgress', 'work ahead.', null), post(9, 'InProgress', 'Moved.', null)),
      ALL,
    );
    expect(found.posts).toEqual([]);
  });

  test('but an end is told where a pull took it for an update: the page would stay open', () => {
    const found = findUnheld(
      [logged(20, 'Resolved', 'It is over.', 'c2')],
      held(post(20, 'Active', 'It is over.', null)),
      ALL,
    );
    expect(ids(found)).toEqual(['c2']);
  });

  test('by time where texts differ in form, one for one', () => {
    const rows = [logged(10, 'Active', 'as logged', 'c1'), logged(11, 'Active', 'right after', 'c2')];
    expect(ids(findUnheld(rows, held(post(10, 'Active', 'as pulled', null)), ALL))).toEqual(['c2']);
    expect(ids(findUnheld(rows, held(post(13, 'Active', 'as pulled', null)), ALL))).toEqual(['c1']);
    expect(ids(findUnheld(rows, held(post(14, 'Active', 'as pulled', null)), ALL))).toEqual(['c1', 'c2']);
  });

  test('under another id where its words are the same within the hour; later they are news', () => {
    const before = held(post(0, 'Active', 'We look into it.', 'c1'));
    expect(ids(findUnheld([logged(2, 'Active', 'We look into it.', 'x1')], before, ALL))).toEqual([]);
    expect(ids(findUnheld([logged(70, 'Active', 'We look into it.', 'x1')], before, ALL))).toEqual(['x1']);
  });
});

describe('of what the log repeats', () => {
  test('pages and workspaces: each communication once, at its earliest time, its subscriptions together', () => {
    const rows = [
      logged(1, 'Active', 'a', 'c1', ['sub-2']),
      logged(0, 'Active', 'a', 'c1', ['sub-1']),
      logged(1, 'Active', 'a', 'own-id', ['sub-3']),
    ];
    const found = findUnheld(rows, null, ALL);
    expect(found.posts).toMatchObject([{ signal: { occurredAt: T(0) }, subscriptions: ['sub-1', 'sub-2', 'sub-3'] }]);
    expect(growth(found)).toEqual(['sub-2', 'sub-3']);
  });

  test('subscriptions that the incident does not name join it, without any post', () => {
    const found = findUnheld(
      [logged(0, 'Active', 'a', 'c1', ['sub-1', 'sub-9'])],
      held(post(0, 'Active', 'a', 'c1')),
      ALL,
    );
    expect([ids(found), growth(found)]).toEqual([[], ['sub-9']]);
  });
});

describe('what is left alone', () => {
  test('an unknown story from before the span, unless it is an outage that goes on', () => {
    const old = { since: T(500), notAfter: T(1000) };
    const story = [logged(0, 'Active', 'a', 'c1'), logged(9, 'Resolved', 'b', 'c2')];
    expect(findUnheld(story, null, old)).toEqual({ posts: [], subscriptions: [] });
    expect(ids(findUnheld(story.slice(0, 1), null, old))).toEqual(['c1']);
    expect(ids(findUnheld(story, held(post(0, 'Active', 'a', 'c1')), old))).toEqual(['c2']);
  });

  test('what is younger than the grace, with its subscriptions', () => {
    const found = findUnheld([logged(0, 'Active', 'a', 'c1'), logged(9, 'Active', 'b', 'c2', ['sub-7'])], null, {
      ...ALL,
      notAfter: T(5),
    });
    expect([ids(found), growth(found)]).toEqual([['c1'], []]);
  });

  test('what is older than the 200 posts that an incident keeps', () => {
    const posts = Array.from({ length: 200 }, (_, n) => post(100 + n, 'Active', `post ${n}`, `k${n}`));
    const rows = [logged(50, 'Active', 'forgotten', 'c1'), logged(150, 'Active', 'lost', 'c2')];
    expect(ids(findUnheld(rows, held(...posts), ALL))).toEqual(['c2']);
  });
});
