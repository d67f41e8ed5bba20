/** The socket side of the HTTP app. */
import { getRequestListener, RequestError } from '@hono/node-server';
import { createServer as createHttpServer, type Server } from 'node:http';
import { PROBLEM_TYPE, problemText } from './api/problem.ts';
import type { createServer } from './api/server.ts';
import { newId } from './ids.ts';

/** Listens; slow headers and bodies are cut off. Rejects when the port is taken. */
export async function listen(
  app: ReturnType<typeof createServer>,
  at: { host: string; port: number },
): Promise<Server> {
  const times = { requestTimeout: 15_000, headersTimeout: 8_000, keepAliveTimeout: 65_000 };
  const answer = getRequestListener(app.fetch, { errorHandler: refuse });
  const server = createHttpServer(times, (incoming, outgoing) => void answer(incoming, outgoing));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(at.port, at.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return server;
}

/** What the app never sees, such as a Host header that is none: answered as the app would. */
function refuse(error: unknown): Response {
  const requestId = newId('req');
  const [status, code, detail] =
    error instanceof RequestError
      ? ([400, 'invalid', 'address or Host header are malformed'] as const)
      : // As at the receivers: a 500 would lose the news.
        ([503, 'unavailable', 'something went wrong on our side'] as const);
  const headers = { 'content-type': PROBLEM_TYPE, 'x-request-id': requestId };
  return new Response(problemText({ status, code, detail, requestId }), { status, headers });
}

/** Takes no new connections; requests have at most 5 s to end (design 3.1), and 2 s here. */
export async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), 2_000);
  await closed;
  clearTimeout(cut);
}
