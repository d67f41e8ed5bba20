/** `/v1/incidents/{id}/evidence`: what metrics, logs and our own alerts say about our resources in the time of an incident. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { evidenceInWords } from '#src/core/evidence.ts';
import type { Caller } from './auth.ts';
import type { ApiDeps, Env } from './deps.ts';
import { evidenceOf, findRecord } from './incidents-record.ts';
import { failure, IdParam, json, refusals } from './incidents-shared.ts';
import { AsOfQuery } from './schemas.ts';

const Verdict = z.enum(['hit', 'not seen', 'unknown']);
const Tally = z.object({ total: z.number(), failed: z.number() });
const Span = z.object({ from: z.string(), to: z.string() });
const Shares = z.array(z.object({ region: z.string(), pulls: z.number() }));

export const Check = z.object({
  what: z.string().openapi({ example: 'pulls' }),
  source: z.enum(['metrics', 'logs', 'Resource Health']),
  query: z.string().openapi({ description: 'Metrics, or the query as a person would ask it' }),
  verdict: Verdict,
  reason: z.string(),
  during: Tally.nullable().openapi({ description: 'For nodes and pods the highest level' }),
  before: Tally.nullable().openapi({ description: 'The same length of time before' }),
  span: Span.nullable().openapi({ description: 'The stretch in which it was hit' }),
  points: z.array(z.object({ at: z.string(), total: z.number().nullable(), failed: z.number().nullable() })),
});

export const ResourceEvidence = z
  .object({
    resource: z.string(),
    name: z.string(),
    kind: z.enum(['registry', 'cluster']),
    verdict: Verdict,
    reason: z.string(),
    checks: z.array(Check),
    alerts: z.array(
      z.object({
        id: z.string(),
        kind: z.enum(['alert', 'resource']),
        headline: z.string(),
        severity: z.string(),
        startedAt: z.string(),
        platform: z
          .boolean()
          .openapi({ description: 'Resource Health called it bad, and no user was the cause: a hit' }),
      }),
    ),
    serving: z
      .object({
        before: Shares,
        during: Shares,
        moved: z.object({ from: z.string(), to: z.string(), at: z.string() }).nullable(),
      })
      .nullable(),
    replicas: z.array(z.object({ region: z.string(), endpoint: z.boolean().nullable() })),
    advice: z.array(z.string()).openapi({ description: 'For people; the relay does none of it' }),
    takenAt: z.string(),
  })
  .openapi('ResourceEvidence');

const Evidence = z.object({
  configured: z.boolean(),
  summary: z.string().openapi({ description: 'Empty where nobody has looked' }),
  resources: z.array(ResourceEvidence),
});

/** Registers the route; authorisation is the caller's middleware. */
export function evidenceRoutes(app: OpenAPIHono<Env>, deps: ApiDeps): void {
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/incidents/{id}/evidence',
      summary: 'Did it hit us? A verdict per resource of ours, with the numbers',
      request: { params: IdParam, query: AsOfQuery },
      responses: {
        200: json(z.object({ evidence: Evidence }), 'The evidence'),
        304: { description: 'Nothing has changed since the ETag of If-None-Match' },
        404: failure('Unknown, or not known at that moment'),
        ...refusals,
      },
    }),
    async (c) => {
      const at = c.req.valid('query').at ?? null;
      return c.json(
        { evidence: await evidenceAnswer(deps, c.get('caller'), { id: c.req.valid('param').id, at }) },
        200,
      );
    },
  );
}

/** What was found for an incident, for the route and for MCP. Throws the 404 where there is none. */
export async function evidenceAnswer(
  deps: ApiDeps,
  caller: Caller,
  asked: { id: string; at: string | null },
): Promise<z.infer<typeof Evidence>> {
  const rows = await evidenceOf(deps, await findRecord(deps, caller, asked));
  return {
    configured: deps.config().evidence !== null,
    summary: evidenceInWords(rows.map((row) => row.data)),
    resources: rows.map((row) => ({ ...row.data, takenAt: row.takenAt })) as z.infer<typeof ResourceEvidence>[],
  };
}
