/** Documents the routes that read raw bytes themselves, and the probes: they are not made by `app.openapi`. */
import { type OpenAPIHono, z } from '@hono/zod-openapi';
import type { Env } from './deps.ts';
import { ProblemDocument, SignalsAnswer } from './schemas.ts';

const RECEIVERS = [
  ['/v1/receivers/azure-monitor', 'Action-group webhook, common or classic schema'],
  ['/v1/receivers/event-grid', 'Event Grid events, Event Grid schema or CloudEvents 1.0'],
] as const;

/** Adds receivers and probes to the OpenAPI document. */
export function describeDoors(app: OpenAPIHono<Env>): void {
  const problem = (description: string) => ({
    description,
    content: { 'application/problem+json': { schema: ProblemDocument } },
  });
  for (const [path, summary] of RECEIVERS) {
    app.openAPIRegistry.registerPath({
      method: 'post',
      path,
      summary,
      request: { body: { content: { 'application/json': { schema: {} } } } },
      responses: {
        202: {
          description: 'Durable; what became of each signal',
          content: { 'application/json': { schema: SignalsAnswer } },
        },
        400: problem('Not JSON'),
        401: problem('No or a wrong token'),
        413: problem('Over 1 MiB'),
        415: problem('Compressed in another way than gzip, deflate or br'),
        503: problem('Not stored: send it again'),
      },
    });
  }
  const refused = { 401: problem('No or a wrong token'), 403: problem('Not on the list of the config') };
  app.openAPIRegistry.registerPath({
    method: 'options',
    path: '/v1/receivers/event-grid',
    summary: 'The handshake of CloudEvents: may this origin send?',
    responses: { 200: { description: 'It may' }, 400: problem('It names no origin'), ...refused },
  });
  describeProbes(app);
}

/** Probes need no token; what stands behind a part is shown to whoever may read. */
function describeProbes(app: OpenAPIHono<Env>): void {
  const status = z.object({
    status: z.enum(['ok', 'degraded', 'down']),
    parts: z.array(
      z.object({ name: z.string(), status: z.enum(['ok', 'degraded', 'down']), detail: z.string().optional() }),
    ),
  });
  const json = { 'application/json': { schema: status } };
  const probes = [
    ['/livez', 'The process answers', { 200: { description: 'Alive' } }],
    [
      '/readyz',
      'Whether a signal can be kept, and which parts are not well',
      {
        200: { description: 'Ready, perhaps degraded', content: json },
        503: { description: 'Neither Postgres nor the spool takes anything', content: json },
      },
    ],
    [
      '/metrics',
      'Prometheus; needs a token unless metrics.open',
      {
        200: { description: 'Metrics', content: { 'text/plain': { schema: z.string() } } },
        401: { description: 'No or a wrong token' },
      },
    ],
  ] as const;
  for (const [path, summary, responses] of probes)
    app.openAPIRegistry.registerPath({ method: 'get', path, summary, responses });
}
