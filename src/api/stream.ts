/**
 * `GET /v1/stream`: server-sent events. One look at the database per second and process, shared by all listeners and
 * only while there are any; so it works alike on every footing and in every replica, whoever wrote the entry.
 */
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import { entriesAfter, newestEntry, type FeedRow } from '#src/db/feed.ts';
import { readOddSignals, type OddSignalRow } from '#src/db/reads.ts';
import type { Caller } from './auth.ts';
import type { ApiDeps, Env } from './deps.ts';
import { isWithheld, openSummary } from './incidents-need-to-know.ts';
import { Problem } from './problem.ts';

const LOOK_EVERY_MS = 1_000;
/** Row numbers are given before the commit: a late one is still found when it comes within this time. */
const LATE_COMMIT_MS = 5_000;
const ROWS_MAX = 1_000;
const LISTENERS_MAX = 200;
const HEARTBEAT_MS = 15_000;
/** A listener that reads too slowly is told to load the page anew. */
const BEHIND_MAX = 1_000;

type News = { type: 'timeline'; row: FeedRow } | { type: 'signal'; row: OddSignalRow };

interface Feed {
  /** Resolves once the feed has its place, so that nothing after it is missed. */
  listen(listener: (news: News) => void): Promise<() => void>;
  readonly listeners: number;
}

function createFeed(deps: Pick<ApiDeps, 'pools' | 'log' | 'now'>): Feed {
  const listeners = new Set<(news: News) => void>();
  const seen = new Map<number, number>();
  const seenSignals = new Set<string>();
  let place: Promise<void> | null = null;
  let floor = 0;
  let signalsSince = '';
  let timer: NodeJS.Timeout | undefined;

  async function start(): Promise<void> {
    floor = await newestEntry(deps.pools.read);
    signalsSince = deps.now().toISOString();
    seen.clear();
    seenSignals.clear();
    timer = setTimeout(() => void look(), LOOK_EVERY_MS);
  }

  async function look(): Promise<void> {
    try {
      const nowMs = performance.now();
      const rows = await entriesAfter(deps.pools.read, floor, ROWS_MAX);
      for (const row of rows) if (!seen.has(row.id)) tell({ type: 'timeline', row });
      for (const row of rows) seen.set(row.id, seen.get(row.id) ?? nowMs);
      settle(nowMs, rows.length);
      const odd = await readOddSignals(deps.pools.read, 50, signalsSince);
      for (const row of odd.toReversed()) if (!seenSignals.has(row.id)) tell({ type: 'signal', row });
      for (const row of odd) seenSignals.add(row.id);
      const settled = new Date(deps.now().getTime() - LATE_COMMIT_MS).toISOString();
      if (odd.length > 0 && odd[0]!.receivedAt < settled) [signalsSince] = [odd[0]!.receivedAt, seenSignals.clear()];
    } catch (error) {
      deps.log.warn({ error: (error as Error).message }, 'stream.look');
    }
    if (listeners.size > 0) timer = setTimeout(() => void look(), LOOK_EVERY_MS);
    else place = null;
  }

  /** Moves the place past what is old enough; in a storm past everything seen, or the same rows would fill every look. */
  function settle(nowMs: number, found: number): void {
    for (const [id, since] of seen) {
      if (found < ROWS_MAX && nowMs - since < LATE_COMMIT_MS) continue;
      floor = Math.max(floor, id);
      seen.delete(id);
    }
    for (const id of seen.keys()) if (id <= floor) seen.delete(id);
  }

  function tell(news: News): void {
    for (const listener of listeners) listener(news);
  }

  return {
    async listen(listener) {
      listeners.add(listener);
      place ??= start();
      try {
        await place;
      } catch (error) {
        place = null;
        listeners.delete(listener);
        throw error;
      }
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0 || place === null) return;
        clearTimeout(timer);
        place = null;
      };
    },
    get listeners() {
      return listeners.size;
    },
  };
}

/** Registers the route. The caller is asked for again with each heartbeat: a token that is gone ends the stream. */
export function streamRoutes(app: OpenAPIHono<Env>, deps: ApiDeps, callerOf: (c: Context<Env>) => Caller | null): void {
  const feed = createFeed(deps);
  describe(app);
  app.get('/v1/stream', async (c) => {
    // HEAD comes this way as well, and nobody would ever read or close what was opened for it.
    if (c.req.method === 'HEAD') return c.body(null, 200, { 'content-type': 'text/event-stream' });
    if (feed.listeners >= LISTENERS_MAX)
      throw new Problem(503, 'too-many-listeners', 'try again later', { 'retry-after': '30' });
    const after = Number(c.req.header('last-event-id') ?? c.req.query('after') ?? Number.NaN);
    const incident = c.req.query('incident') ?? null;
    const queue: News[] = [];
    let wake: (() => void) | null = null;
    let lost = false;
    const stopListening = await feed.listen((news) => {
      if (incident !== null && (news.type === 'signal' || news.row.incident !== incident)) return;
      if (queue.length >= BEHIND_MAX) lost = true;
      else queue.push(news);
      wake?.();
    });
    // A proxy that collects the answer would hold the news back.
    c.header('x-accel-buffering', 'no');
    return streamSSE(c, async (stream) => {
      stream.onAbort(() => (stopListening(), wake?.()));
      try {
        await stream.writeSSE({ event: 'hello', data: '{}', retry: 2_000 });
        const sent = await replay(after, async (news) => stream.writeSSE(messageOf(news, c, deps)));
        while (!stream.aborted && !stream.closed) {
          if (lost) {
            [queue.length, lost] = [0, false];
            await stream.writeSSE({ event: 'reset', data: '{}' });
          }
          for (let news = queue.shift(); news; news = queue.shift()) {
            if (news.type === 'timeline' && sent.has(news.row.id)) continue;
            await stream.writeSSE(messageOf(news, c, deps));
          }
          if (!(await pause()) && !stream.aborted) {
            if (callerOf(c) === null) return;
            await stream.write(': still here\n\n');
          }
        }
      } finally {
        stopListening();
      }

      /** True when there is news, false after a quiet while. */
      function pause(): Promise<boolean> {
        if (queue.length > 0 || lost || stream.aborted) return Promise.resolve(true);
        return new Promise((resolve) => {
          const timer = setTimeout(() => ((wake = null), resolve(false)), HEARTBEAT_MS);
          wake = () => (clearTimeout(timer), (wake = null), resolve(true));
        });
      }
    });

    /** What a reader missed while its connection was down; beyond a thousand entries the page is better loaded anew. */
    async function replay(from: number, write: (news: News) => Promise<void>): Promise<Set<number>> {
      const sent = new Set<number>();
      if (!Number.isSafeInteger(from) || from < 0) return sent;
      const rows = await entriesAfter(deps.pools.read, from, ROWS_MAX);
      if (rows.length === ROWS_MAX) lost = true;
      else
        for (const row of rows) {
          sent.add(row.id);
          if (incident === null || row.incident === incident) await write({ type: 'timeline', row });
        }
      return sent;
    }
  });
}

function messageOf(news: News, c: Context<Env>, deps: ApiDeps): { event: string; data: string; id?: string } {
  if (news.type === 'signal') {
    const { id, source, outcome, title, reason, receivedAt } = news.row;
    return { event: 'signal', data: JSON.stringify({ signal: id, source, outcome, title, reason, receivedAt }) };
  }
  const { id, author, event, incidentKind, ...row } = news.row;
  const withheld = isWithheld(deps.config(), c.get('caller'), incidentKind);
  const summary = withheld ? openSummary({ ...row, data: { author, event } }) : row.summary;
  return { event: 'timeline', id: String(id), data: JSON.stringify({ ...row, incidentKind, summary }) };
}

function describe(app: OpenAPIHono<Env>): void {
  app.openAPIRegistry.registerPath({
    method: 'get',
    path: '/v1/stream',
    summary:
      'Server-sent events: `timeline` for each new entry, `signal` for tests and what was not understood, `reset` after a gap. `?incident=` for one incident; `Last-Event-ID` goes on where a connection broke',
    responses: { 200: { description: 'Events', content: { 'text/event-stream': { schema: { type: 'string' } } } } },
  });
}
