/** `/v1/gaps` and `/v1/backfill`: spans in which Azure could not reach us, and what a pull found of them. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { causeInWords } from '#src/core/gap.ts';
import { listGaps, readBackfillState } from '#src/db/gaps.ts';
import type { ApiDeps, Env } from './deps.ts';
import { failure, json, refusals } from './incidents-shared.ts';
import { Problem } from './problem.ts';

const Time = z.string().openapi({ format: 'date-time' });

const Gap = z
  .object({
    id: z.number().int(),
    from: Time,
    to: Time,
    cause: z.enum(['not-running', 'database-away', 'refused', 'no-rule', 'not-delivered']),
    explanation: z.string(),
    found: z.number().int().openapi({ description: 'Communications that back-fill has found' }),
    foundAt: Time.nullable(),
    trackingIds: z.array(z.string()),
    subscriptions: z.number().int(),
    recordedAt: Time,
  })
  .openapi('Gap');

const State = z
  .object({
    enabled: z.boolean(),
    busy: z.boolean().openapi({ description: 'In the process that answers' }),
    kind: z.enum(['full', 'quick']).nullable(),
    startedAt: Time.nullable(),
    finishedAt: Time.nullable().openapi({ description: 'Null while the round goes on; its numbers are 0 until then' }),
    okAt: Time.nullable(),
    coveredUntil: Time.nullable().openapi({ description: 'Everything that Azure published before was compared' }),
    calls: z.number().int(),
    events: z.number().int(),
    found: z.number().int(),
    subscriptions: z.number().int(),
    faults: z.array(z.string()),
  })
  .openapi('Backfill');

const NEVER = {
  kind: null,
  startedAt: null,
  finishedAt: null,
  okAt: null,
  coveredUntil: null,
  calls: 0,
  events: 0,
  found: 0,
  subscriptions: 0,
  faults: [],
};

/** Registers the routes; authorisation is the caller's middleware. */
export function gapRoutes(app: OpenAPIHono<Env>, deps: ApiDeps): void {
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/gaps',
      summary: 'Gaps, newest first, with their likely cause; and the last round of back-fill',
      request: { query: z.object({ limit: z.coerce.number().int().min(1).max(200).default(50) }) },
      responses: { 200: json(z.object({ gaps: z.array(Gap), backfill: State }), 'The gaps'), ...refusals },
    }),
    async (c) => {
      const [rows, state] = await Promise.all([
        listGaps(deps.pools.read, c.req.valid('query').limit),
        readBackfillState(deps.pools.read),
      ]);
      const gaps = rows.map(({ key: _key, ...gap }) => ({ ...gap, explanation: causeInWords(gap.cause) }));
      const enabled = deps.config().backfill !== null;
      const here = { enabled, busy: enabled && (deps.backfill?.busy ?? false) };
      return c.json({ gaps, backfill: { ...here, ...(state ?? NEVER) } }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'post',
      path: '/v1/backfill',
      summary: 'Compare with Azure now, every subscription of it; see /v1/gaps for what came of it',
      request: {
        body: {
          content: {
            'application/json': {
              schema: z.object({
                since: z.iso
                  .datetime({ offset: true, error: 'write 2026-09-14T08:00:00Z' })
                  .optional()
                  .openapi({ description: 'Default: the last whole round, less the lookback' }),
              }),
            },
          },
        },
      },
      responses: {
        202: json(
          z.object({ accepted: z.literal(true), since: Time.nullable() }),
          'Begins at once, or when the present round is over',
        ),
        409: failure('Back-fill is not configured'),
        ...refusals,
      },
    }),
    (c) => {
      if (deps.config().backfill === null || !deps.backfill)
        throw new Problem(409, 'not-configured', 'back-fill needs the section azure in relay.yaml');
      const { since } = c.req.valid('json');
      const from = since === undefined ? null : new Date(since).toISOString();
      deps.backfill.request(from);
      deps.log.info({ by: c.get('caller').name, since: from }, 'backfill.requested');
      return c.json({ accepted: true as const, since: from }, 202);
    },
  );
}
