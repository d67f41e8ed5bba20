/** The HTTP app: request ids, authorisation, routes, one error handler. No sockets here: tests call it in process as well. */
import { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { getCookie } from 'hono/cookie';
import { HTTPException } from 'hono/http-exception';
import { getPathNoStrict } from 'hono/utils/url';
import { isStoreAway } from '#src/db/pools.ts';
import { newId } from '#src/ids.ts';
import { pageRoutes } from '#src/web/pages.ts';
import { apiCaller, bearer, isLocalCall, isOpen, mayDo, SESSION_COOKIE, sessionCaller, type Caller } from './auth.ts';
import { callbackRoutes } from './callbacks.ts';
import { canaryRoute } from './canary.ts';
import { clockRoutes } from './clocks.ts';
import { coverageRoutes } from './coverage.ts';
import { deadlineFeedRoute, deadlineRoutes } from './deadlines.ts';
import type { ApiDeps, Env } from './deps.ts';
import { docsRoutes } from './docs.ts';
import { estateRoutes } from './estate.ts';
import { evidenceRoutes } from './evidence.ts';
import { gapRoutes } from './gaps.ts';
import { incidentRoutes } from './incidents.ts';
import { mcpRoute } from './mcp.ts';
import { methodsAt, refuseOtherMethods, wrongMethod } from './methods.ts';
import { describeDoors } from './openapi.ts';
import { peerRoute } from './peer.ts';
import { issueInWords, Problem, problem } from './problem.ts';
import { readBody } from './body.ts';
import { azureMonitor, eventGrid, eventGridOptions } from './receivers.ts';
import { silenceRoutes } from './silences.ts';
import { probeRoutes, statusRoutes } from './status.ts';
import { streamRoutes } from './stream.ts';

const LOCAL_CALLER: Caller = { name: 'local', role: 'operate' };

/** The caller by bearer token, session cookie, or because only this machine may call; null refuses. */
export function callerOf(c: Context<Env>, deps: ApiDeps): Caller | null {
  const config = deps.config();
  if (isOpen(config, 'read'))
    return isLocalCall(c.env?.incoming?.socket?.remoteAddress, c.req.header('host')) ? LOCAL_CALLER : null;
  const header = c.req.header('authorization');
  if (header !== undefined) return apiCaller(config, bearer(header));
  return sessionCaller(config, getCookie(c, SESSION_COOKIE), deps.now().getTime());
}

/** Builds the app for a role. */
export function createServer(deps: ApiDeps): OpenAPIHono<Env> {
  const app = new OpenAPIHono<Env>({
    // A slash too many in an address that somebody typed into an action group must not lose the news.
    getPath: (request) => getPathNoStrict(request).replace(/^\/+v1\/+receivers\/+/, '/v1/receivers/'),
    defaultHook: (result) => {
      if (result.success) return;
      const first = result.error.issues[0];
      throw new Problem(400, 'invalid', issueInWords(first));
    },
  });
  app.use(async (c, next) => {
    const requestId = newId('req');
    c.set('requestId', requestId);
    // On Node's own answer where there is one: touching the headers of `c.res` makes a web Response of a light one.
    const outgoing = c.env?.outgoing;
    outgoing?.setHeader('x-request-id', requestId);
    await next();
    if (!outgoing) c.res.headers.set('x-request-id', requestId);
  });
  app.onError((error, c) => {
    const requestId = c.get('requestId');
    if (error instanceof Problem)
      return problem(c, {
        status: error.status,
        code: error.code,
        detail: error.message,
        requestId,
        headers: error.headers,
      });
    if (error instanceof HTTPException) return problem(c, { status: error.status, ...bodyFault(error), requestId });
    if (isStoreAway(error)) {
      deps.log.warn({ error: error.message, requestId, path: c.req.path }, 'request.unavailable');
      const headers = { 'retry-after': '5' };
      return problem(c, {
        status: 503,
        code: 'unavailable',
        detail: 'the database does not answer',
        requestId,
        headers,
      });
    }
    deps.log.error({ error: error.message, stack: error.stack, requestId, path: c.req.path }, 'request.bug');
    // A receiver never answers a bare 500: Azure would not send the news again (azure-signals 0.6).
    const receiving = c.req.path.startsWith('/v1/receivers/');
    return problem(c, {
      status: receiving ? 503 : 500,
      code: receiving ? 'unavailable' : 'internal',
      detail: 'something went wrong on our side',
      requestId,
    });
  });
  app.notFound((c) => {
    const methods = methodsAt(app, c.req.path);
    if (methods.length > 0) throw wrongMethod(methods);
    const requestId = c.get('requestId');
    return problem(c, { status: 404, code: 'no-such-route', detail: 'there is nothing here', requestId });
  });

  probeRoutes(app, deps, (c) => callerOf(c, deps) !== null);
  canaryRoute(app, deps);
  if (deps.role === 'worker') return app;

  app.post('/v1/receivers/azure-monitor', (c) => azureMonitor(c, deps));
  app.post('/v1/receivers/event-grid', (c) => eventGrid(c, deps));
  app.options('/v1/receivers/event-grid', (c) => eventGridOptions(c, deps));
  describeDoors(app);
  callbackRoutes(app, deps);
  refuseOtherMethods(app, '/v1/');

  deadlineFeedRoute(app, deps, (c) => callerOf(c, deps));
  peerRoute(app, deps, (c) => callerOf(c, deps));
  app.use('/v1/*', async (c, next) => {
    const caller = callerOf(c, deps);
    if (!caller) throw new Problem(401, 'unauthorized', 'a token is required');
    const { method } = c.req;
    const reads = method === 'GET' || method === 'HEAD';
    if (!mayDo(caller, reads ? 'read' : 'operate')) throw new Problem(403, 'forbidden', 'this token may only read');
    // A cookie rides along on requests that another site makes: those may not change anything.
    const site = c.req.header('sec-fetch-site');
    if (!reads && site !== undefined && site !== 'same-origin' && site !== 'none')
      throw new Problem(403, 'forbidden', 'cross-site request');
    c.set('caller', caller);
    // Read here as at every other door, with its limit; the handlers find it where Hono keeps what was read.
    if (!reads) {
      const text = UTF8.decode(await readBody(c));
      // A route whose body is optional would take what does not say that it is JSON for none at all.
      if (text !== '' && !JSON_TYPE.test(c.req.header('content-type') ?? '')) throw notJsonType();
      // Typed as the text, kept as a promise of it.
      Object.assign(c.req.bodyCache, { text: Promise.resolve(text) });
    }
    await next();
  });
  incidentRoutes(app, deps);
  statusRoutes(app, deps);
  gapRoutes(app, deps);
  silenceRoutes(app, deps);
  estateRoutes(app, deps);
  coverageRoutes(app, deps);
  deadlineRoutes(app, deps);
  evidenceRoutes(app, deps);
  clockRoutes(app, deps);
  streamRoutes(app, deps, (c) => callerOf(c, deps));
  mcpRoute(app, deps, (c) => callerOf(c, deps));
  pageRoutes(app, deps, (c) => callerOf(c, deps));
  docsRoutes(app, (c) => callerOf(c, deps));
  return app;
}

/** Without the byte order mark that some shells write in front of a file. */
const UTF8 = new TextDecoder();
const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json(?:;|$)/i;

function notJsonType(): Problem {
  return new Problem(415, 'not-json', 'send the body with content-type: application/json');
}

/** What Hono says of a body before a handler sees it, in our words. */
function bodyFault({ message }: HTTPException): { code: string; detail: string } {
  if (/malformed json/i.test(message)) return { code: 'not-json', detail: 'the body is not JSON' };
  return { code: 'invalid', detail: message };
}
