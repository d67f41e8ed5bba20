/** The socket side of the HTTP app. */
import { createAdaptorServer } from '@hono/node-server';
import type { Server } from 'node:http';
import type { createServer } from './api/server.ts';

/** Listens; slow headers and bodies are cut off. Rejects when the port is taken. */
export async function listen(
  app: ReturnType<typeof createServer>,
  at: { host: string; port: number },
): Promise<Server> {
  const server = createAdaptorServer({
    fetch: app.fetch,
    serverOptions: { requestTimeout: 15_000, headersTimeout: 8_000, keepAliveTimeout: 65_000 },
  }) as Server;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(at.port, at.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return server;
}

/** Takes no new connections; requests have at most 5 s to end (design 3.1), and 2 s here. */
export async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), 2_000);
  await closed;
  clearTimeout(cut);
}
