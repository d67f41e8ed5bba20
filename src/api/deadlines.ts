/** `/v1/deadlines` and `/v1/deadlines.ics`: retirements and planned maintenance, with what of ours they still reach. */
import { createHash } from 'node:crypto';
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { daysLeft, deadlineOf, nextReminderAt } from '#src/core/deadlines.ts';
import { hitsInWords } from '#src/core/estate-facts.ts';
import { readDeadlines } from '#src/db/deadlines.ts';
import { stillThere } from '#src/pipeline/remind.ts';
import { isFeedToken, type Caller } from './auth.ts';
import { calendarOf } from './deadlines-calendar.ts';
import type { ApiDeps, Env } from './deps.ts';
import { json, refusals } from './incidents-shared.ts';
import { Problem } from './problem.ts';

/** What ended longer ago is history, and leaves the calendar. */
const ENDED_DAYS = 30;

const Time = z.string().openapi({ format: 'date-time' });
const Head = {
  id: z.string(),
  trackingId: z.string().nullable(),
  kind: z.enum(['maintenance', 'advisory']),
  title: z.string(),
  headline: z.string(),
};

const Answer = z
  .object({
    ...Head,
    at: Time.openapi({ description: 'Start of the maintenance, end date of the advisory' }),
    until: Time.nullable().openapi({ description: 'End of the maintenance window' }),
    status: z.enum(['open', 'met', 'cancelled']),
    daysLeft: z.number().int().openapi({ description: 'Rounded up; negative once it has passed' }),
    nextReminderAt: Time.nullable(),
    revision: z.number().int(),
    updatedAt: Time,
    impacts: z.array(z.object({ service: z.string(), region: z.string() })),
    subscriptions: z.array(z.string()),
    affected: z
      .string()
      .openapi({ description: 'Resources of ours that it still reaches, in words; unknown with the reason' }),
    resources: z.array(z.object({ id: z.string(), name: z.string(), kind: z.enum(['registry', 'cluster']) })),
    owners: z.array(z.string()),
  })
  .openapi('Deadline');
export type DeadlineAnswer = z.infer<typeof Answer>;

const Undated = z.object(Head).openapi('UndatedAdvisory');

/** Registers the feed. Before the middleware of `/v1`: calendars cannot send a header, so it takes a token of its own. */
export function deadlineFeedRoute(
  app: OpenAPIHono<Env>,
  deps: ApiDeps,
  callerOf: (c: Context<Env>) => Caller | null,
): void {
  app.get('/v1/deadlines.ics', async (c) => {
    const token = c.req.query('token');
    const allowed = token === undefined ? callerOf(c) !== null : isFeedToken(deps.config(), token);
    if (!allowed) throw new Problem(401, 'unauthorized', 'a token is required');
    const { relayId, publicUrl } = deps.config();
    const body = calendarOf((await answerOf(deps)).deadlines, { relayId, publicUrl });
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`;
    const headers = { etag, 'cache-control': 'private, no-cache', 'referrer-policy': 'no-referrer' };
    if (c.req.header('if-none-match') === etag) return c.body(null, 304, headers);
    return c.body(body, 200, {
      ...headers,
      'content-type': 'text/calendar; charset=utf-8',
      'content-disposition': 'inline; filename="deadlines.ics"',
    });
  });
  app.openAPIRegistry.registerPath({
    method: 'get',
    path: '/v1/deadlines.ics',
    summary:
      'The same as an iCalendar feed; takes a token of deadlines.feedTokens in the query, or an API token as a bearer',
    request: { query: z.object({ token: z.string().optional() }) },
    responses: {
      200: { description: 'RFC 5545', content: { 'text/calendar': { schema: z.string() } } },
      304: { description: 'As by If-None-Match' },
      401: refusals[401],
    },
  });
}

/** Registers the list; authorisation is the caller's middleware. */
export function deadlineRoutes(app: OpenAPIHono<Env>, deps: ApiDeps): void {
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/deadlines',
      summary: 'Retirements and planned maintenance, the nearest first; those that ended in the last 30 days as well',
      responses: {
        200: json(
          z.object({
            deadlines: z.array(Answer),
            undated: z
              .array(Undated)
              .openapi({ description: 'Open advisories whose date, if any, stands in the text only' }),
          }),
          'The deadlines',
        ),
        ...refusals,
      },
    }),
    async (c) => c.json(await answerOf(deps), 200),
  );
}

async function answerOf(deps: ApiDeps): Promise<{ deadlines: DeadlineAnswer[]; undated: z.infer<typeof Undated>[] }> {
  const config = deps.config();
  const nowMs = deps.now().getTime();
  const view = deps.estate?.() ?? { index: null, takenAt: null, unknown: 'no estate is configured' };
  const days = config.deadlines.remindDays;
  const deadlines: DeadlineAnswer[] = [];
  const undated: z.infer<typeof Undated>[] = [];
  for (const row of await readDeadlines(deps.pools.read, { endedDays: ENDED_DAYS })) {
    const { id, trackingId, kind, title, headline, revision, lastSeenAt, impacts, subscriptions } = row;
    const head = { id, trackingId, kind, title, headline };
    const deadline = deadlineOf(row);
    if (deadline === null) {
      if (row.state === 'planned' || row.state === 'active') undated.push(head);
      continue;
    }
    const { hits, owners, unknown } = stillThere(row, { config, view });
    deadlines.push({
      ...head,
      ...deadline,
      daysLeft: daysLeft(deadline, nowMs),
      nextReminderAt: nextReminderAt(deadline, { days, nowMs }),
      revision,
      updatedAt: lastSeenAt,
      impacts,
      subscriptions,
      affected: unknown === null ? hitsInWords(hits) : `unknown: ${unknown}`,
      resources: hits.map(({ resource }) => ({ id: resource.id, name: resource.name, kind: resource.kind })),
      owners,
    });
  }
  return { deadlines, undated };
}
