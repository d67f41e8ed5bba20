/** Documents the routes that read raw bytes themselves and so are not made by `app.openapi`. */
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Env } from './deps.ts';
import { ProblemDocument, SignalsAnswer } from './schemas.ts';

const RECEIVERS = [
  ['/v1/receivers/azure-monitor', 'Action-group webhook, common or classic schema'],
  ['/v1/receivers/event-grid', 'Event Grid events, Event Grid schema or CloudEvents 1.0'],
] as const;

/** Adds the receivers to the OpenAPI document. */
export function describeReceivers(app: OpenAPIHono<Env>): void {
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
        503: problem('Not stored: send it again'),
      },
    });
  }
}
