/**
 * `POST /v1/peer`: what the relay of the same `relayId` in another region asks: whether somebody delivers here, and
 * whether destinations were told of news that both have heard (docs/adr/standby.md). Changes nothing, so `read` is enough.
 */
import { type OpenAPIHono, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { communicationKey, settledCount } from '#src/core/standby.ts';
import { readLedgers, readStore, type LedgerRow } from '#src/db/peer.ts';
import { parseBody } from '#src/receivers/body.ts';
import { isOpen, type Caller } from './auth.ts';
import type { ApiDeps, Env } from './deps.ts';
import { failure, json, refusals } from './incidents-shared.ts';
import { issueInWords, Problem } from './problem.ts';
import { readBody } from './body.ts';

const PATH = '/v1/peer';

const News = z.object({
  open: z.boolean(),
  severity: z.enum(['info', 'warning', 'error', 'critical']),
  startedAt: z.string().max(40).nullable(),
  communication: z.string().max(2_000).nullable(),
});

const Question = z.object({
  asks: z
    .array(
      z.object({
        identity: z.string().min(1).max(300).openapi({ description: 'Of the incident, such as sh/cnt1-0ar' }),
        destination: z.string().min(1).max(63).openapi({ description: 'By its id' }),
        news: z.array(News).min(1).max(20).openapi({ description: 'Oldest first' }),
      }),
    )
    .max(100)
    .default([]),
});
type Ask = z.output<typeof Question>['asks'][number];

const Answer = z
  .object({
    relayId: z.string(),
    store: z.string().openapi({ description: 'The same for all processes of one database' }),
    delivers: z.boolean().openapi({ description: 'A process that delivers is alive' }),
    answers: z.array(
      z.object({
        settled: z.number().int().openapi({ description: 'How many of the news need nobody else any more' }),
        accepted: z
          .boolean()
          .openapi({ description: 'The destination has accepted them; else there is nothing to tell' }),
        held: z.boolean().openapi({ description: 'The rest is held back here, by a silence, a parent or a policy' }),
      }),
    ),
  })
  .openapi('PeerAnswer');

/** Registers the route. Before the middleware of `/v1`, which lets a `read` token do nothing but GET. */
export function peerRoute(app: OpenAPIHono<Env>, deps: ApiDeps, callerOf: (c: Context<Env>) => Caller | null): void {
  app.post(PATH, async (c) => {
    // By bearer token only: the cookie of the pages would ride along from another site.
    const named = isOpen(deps.config(), 'read') || c.req.header('authorization') !== undefined;
    if (!named || callerOf(c) === null) throw new Problem(401, 'unauthorized', 'a token is required');
    const body = parseBody(await readBody(c));
    if (!body.ok) throw new Problem(400, 'not-json', body.reason);
    const question = Question.safeParse(body.value);
    if (!question.success) throw new Problem(400, 'invalid', issueInWords(question.error.issues[0]));
    const { asks } = question.data;
    const { store, delivers } = await readStore(deps.pools.read);
    const ledgers = asks.length === 0 ? [] : await readLedgers(deps.pools.read, asks);
    const answers = asks.map((ask, index) => answerTo(ask, { rows: ledgers.filter((row) => row.ask === index), deps }));
    return c.json({ relayId: deps.config().relayId, store, delivers, answers }, 200);
  });
  app.openAPIRegistry.registerPath({
    method: 'post',
    path: PATH,
    summary: 'For the peer: whether somebody delivers here, and which news destinations were told',
    request: { body: { content: { 'application/json': { schema: Question } } } },
    responses: {
      200: json(Answer, 'The answers, in the order of the questions'),
      400: failure('Not JSON, or not of this form'),
      401: refusals[401],
    },
  });
}

function answerTo(
  { destination, news }: Ask,
  { rows, deps }: { rows: readonly LedgerRow[]; deps: ApiDeps },
): z.output<typeof Answer>['answers'][number] {
  const settings = deps.config().destinations.find((one) => one.id === destination);
  let [settled, accepted, held] = [0, false, false];
  for (const row of rows) {
    held ||= row.held;
    // On standby here as well, or gone: what was left out without a receipt may have been left to the one who asks.
    if (!row.accepted && (settings === undefined || settings.standby)) continue;
    const communications = new Set(row.communications.map(communicationKey));
    const count = settledCount(news, { communications, stands: row.stands });
    if (count <= settled) continue;
    [settled, accepted] = [count, row.accepted];
  }
  return { settled, accepted, held };
}
