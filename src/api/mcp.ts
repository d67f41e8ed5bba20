/**
 * `POST /mcp`: the record for language models, over the Model Context Protocol's streamable HTTP. Stateless: every
 * request is answered as one JSON document, any replica can take the next one, and nothing is kept in between.
 */
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { RelayConfig } from '#src/config/types.ts';
import { parseBody } from '#src/receivers/body.ts';
import { isLocalName, isOpen, type Caller } from './auth.ts';
import type { ApiDeps, Env } from './deps.ts';
import { failure, refusals } from './incidents-shared.ts';
import { Problem } from './problem.ts';
import { readBody } from './body.ts';

const PATH = '/mcp';

/** Registers the route. Not below `/v1`, so it asks for the caller itself: by bearer token only, never by the pages' cookie. */
export function mcpRoute(app: OpenAPIHono<Env>, deps: ApiDeps, callerOf: (c: Context<Env>) => Caller | null): void {
  describe(app);
  app.post(PATH, async (c) => {
    const config = deps.config();
    if (!isOwnOrigin(config, c.req.header('origin'), c.req.header('host')))
      throw new Problem(403, 'foreign-origin', 'a page of another origin may not call here');
    const named = isOpen(config, 'read') || c.req.header('authorization') !== undefined;
    const caller = named ? callerOf(c) : null;
    if (!caller) throw new Problem(401, 'unauthorized', 'a token is required');
    const body = parseBody(await readBody(c));
    if (!body.ok) throw new Problem(400, 'not-json', body.reason);
    // Batches left the protocol with 2025-06-18; a hundred calls in one would be a hundred times the work of a request.
    if (Array.isArray(body.value)) throw new Problem(400, 'batch', 'send one JSON-RPC message per request');
    // The SDK is 10 MB of code that most relays never need.
    const { answerMcp } = await import('./mcp/server.ts');
    const request = new Request(c.req.url, { method: 'POST', headers: c.req.raw.headers });
    return answerMcp(request, { body: body.value, deps, caller, requestId: c.get('requestId') });
  });
  // No stream is offered and no session is kept: the protocol asks for 405 on GET and DELETE.
  app.all(PATH, () => {
    throw new Problem(405, 'method-not-allowed', 'only POST is served here', { allow: 'POST' });
  });
}

/**
 * Against DNS rebinding (streamable HTTP of the protocol, security warning): a request that names an origin must name
 * ours. That is `publicUrl`, or the very host that was called where it is a loopback name; a name that was rebound to us
 * is neither. Programs send no origin.
 */
function isOwnOrigin(
  { publicUrl }: Pick<RelayConfig, 'publicUrl'>,
  origin: string | undefined,
  host: string | undefined,
): boolean {
  if (origin === undefined) return true;
  if (!URL.canParse(origin)) return false;
  const url = new URL(origin);
  if (publicUrl !== null && url.origin === new URL(publicUrl).origin) return true;
  return /^https?:$/.test(url.protocol) && url.host === host && isLocalName(host);
}

function describe(app: OpenAPIHono<Env>): void {
  app.openAPIRegistry.registerPath({
    method: 'post',
    path: PATH,
    summary:
      'Model Context Protocol (streamable HTTP, stateless): tools that read incidents. One JSON-RPC message each',
    request: { body: { content: { 'application/json': { schema: { type: 'object' } } } } },
    responses: {
      200: { description: 'The JSON-RPC answer', content: { 'application/json': { schema: { type: 'object' } } } },
      202: { description: 'A notification was taken' },
      400: failure('Not JSON, not JSON-RPC, or a batch'),
      401: refusals[401],
      403: failure('Called from a page of another origin'),
      405: failure('Another method than POST'),
      413: failure('Over 1 MiB'),
    },
  });
}
