/** The yardstick of the accept path: a Hono handler that parses the body, looks at two fields and answers. */
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { z } from 'zod';

const Body = z.object({ schemaId: z.string(), data: z.object({ context: z.unknown().optional() }) });
const app = new Hono();
app.post('/v1/receivers/azure-monitor', async (c) => {
  const parsed = Body.safeParse(await c.req.json());
  return c.json({ signals: [{ id: 'sig', incident: null, outcome: parsed.success ? 'opened' : 'unrecognised' }] }, 202);
});
const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, (info) =>
  console.log(JSON.stringify({ port: info.port })),
);
process.on('SIGTERM', () => server.close(() => process.exit(0)));
