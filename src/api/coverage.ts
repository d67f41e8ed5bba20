/** `/v1/coverage`: which subscriptions reach us, and what is wrong with the others. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { EVENT_TYPES } from '#src/core/coverage-paths.ts';
import { COVERAGE_FINDINGS, COVERAGE_STATUSES, isWell } from '#src/core/coverage.ts';
import { countByFinding, countByStatus } from '#src/core/coverage-words.ts';
import { readLastSummary } from '#src/db/coverage.ts';
import type { ApiDeps, Env } from './deps.ts';
import { json, refusals } from './incidents-shared.ts';

const Time = z.string().openapi({ format: 'date-time' });
const Counts = (keys: readonly string[]) => z.object(Object.fromEntries(keys.map((key) => [key, z.number().int()])));

const Path = z
  .object({
    via: z.enum(['webhook', 'event-hub', 'export']),
    rule: z.string().openapi({ description: 'Name of the alert rule, or of the diagnostic setting' }),
    group: z.string().nullable(),
    to: z.string().openapi({ description: 'Address without its query, or namespace/hub' }),
    secure: z.boolean(),
    types: z.array(z.enum(EVENT_TYPES)),
    services: z.array(z.string()).nullable().openapi({ description: 'null: all' }),
    regions: z.array(z.string()).nullable(),
    narrowed: z.array(z.string()),
    obstacles: z.array(z.string()).openapi({ description: 'Empty: news comes this way' }),
  })
  .openapi('CoveragePath');

const Row = z
  .object({
    subscription: z.string(),
    name: z.string().nullable(),
    status: z.enum(COVERAGE_STATUSES),
    findings: z.array(z.object({ kind: z.enum(COVERAGE_FINDINGS), detail: z.string() })),
    paths: z.array(Path),
    lastHeardAt: Time.nullable().openapi({
      description: 'When a signal of it last brought something new of place; repeats within one incident do not count',
    }),
  })
  .openapi('SubscriptionCoverage');

const Coverage = z
  .object({
    known: z.boolean().openapi({ description: 'false: nothing below may be read as "all is well"' }),
    unknown: z.string().nullable().openapi({ description: 'Why it is not known' }),
    well: z.boolean().openapi({ description: 'Known, and nothing was found' }),
    takenAt: Time.nullable(),
    triedAt: Time.nullable(),
    fault: z.string().nullable().openapi({ description: 'Why the last audit failed' }),
    counts: Counts(COVERAGE_STATUSES).nullable(),
    findings: Counts(COVERAGE_FINDINGS).nullable().openapi({ description: 'Subscriptions by kind of finding' }),
    unlisted: z.array(z.object({ subscription: z.string(), lastHeardAt: Time })),
    lastSummary: z.object({ week: z.string(), at: Time, outcome: z.string().nullable() }).nullable(),
    subscriptions: z.array(Row),
  })
  .openapi('Coverage');

/** As with the estate: the question has an answer, and it is that nobody knows. */
const NOT_CONFIGURED = {
  audit: null,
  unknown: 'not configured: it needs the sections azure and coverage in relay.yaml',
  takenAt: null,
  triedAt: null,
  fault: null,
} as const;

/** Registers the route; authorisation is the caller's middleware. */
export function coverageRoutes(app: OpenAPIHono<Env>, deps: ApiDeps): void {
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/coverage',
      summary: 'Subscriptions whose Service Health news reaches us, and those whose does not; the worst first',
      request: {
        query: z.object({
          status: z
            .union([z.enum(COVERAGE_STATUSES), z.array(z.enum(COVERAGE_STATUSES))])
            .transform((given) => [given].flat())
            .optional()
            .openapi({ description: 'Only these; the counts stay whole' }),
        }),
      },
      responses: {
        200: json(z.object({ coverage: Coverage }), 'The last audit'),
        ...refusals,
      },
    }),
    async (c) => {
      const { audit, unknown, takenAt, triedAt, fault } = deps.coverage?.() ?? NOT_CONFIGURED;
      const { status } = c.req.valid('query');
      const rows = audit?.subscriptions.filter((row) => status === undefined || status.includes(row.status)) ?? [];
      const coverage = {
        known: unknown === null,
        unknown,
        well: unknown === null && audit !== null && isWell(audit),
        takenAt,
        triedAt,
        fault,
        counts: audit && countByStatus(audit),
        findings: audit && countByFinding(audit),
        unlisted: audit?.unlisted ?? [],
        lastSummary: await readLastSummary(deps.pools.read),
        subscriptions: rows.map((row) => ({
          ...row,
          paths: row.paths.map(({ key: _key, groupLocation: _location, types, services, regions, ...path }) => ({
            ...path,
            types: [...types],
            services: services && [...services],
            regions: regions && [...regions],
            narrowed: [...path.narrowed],
            obstacles: [...path.obstacles],
          })),
        })),
      };
      return c.json({ coverage }, 200);
    },
  );
}
