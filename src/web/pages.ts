/** The pages: what is going on, one incident, log-in. Server-rendered, no front-end build, no inline script. */
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { setCookie } from 'hono/cookie';
import { secureHeaders } from 'hono/secure-headers';
import { apiCaller, SESSION_COOKIE, signSession, type Caller } from '#src/api/auth.ts';
import type { ApiDeps, Env } from '#src/api/deps.ts';
import { Problem } from '#src/api/problem.ts';
import { findIncident, listIncidents, readDeliveries, readTimeline } from '#src/db/reads.ts';
import { incidentPage } from './incident-page.ts';
import { listPage, loginPage } from './list-page.ts';
import { STYLE } from './style.ts';

/** Registers the pages. Visitors without a session are asked for a token. */
export function pageRoutes(app: OpenAPIHono<Env>, deps: ApiDeps, callerOf: (c: Context<Env>) => Caller | null): void {
  const guard = secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      styleSrc: ["'self'"],
      scriptSrc: ["'self'"],
      imgSrc: ["'self'", 'data:'],
      connectSrc: ["'self'"],
      formAction: ["'self'"],
      frameAncestors: ["'none'"],
      baseUri: ["'none'"],
    },
    referrerPolicy: 'same-origin',
  });
  for (const path of ['/', '/login', '/incidents/*', '/style.css']) app.use(path, guard);

  app.get('/style.css', (c) =>
    c.body(STYLE, 200, { 'content-type': 'text/css; charset=utf-8', 'cache-control': 'public, max-age=3600' }),
  );
  app.get('/login', (c) => c.html(loginPage(false)));
  app.post('/login', async (c) => {
    const form = await c.req.parseBody();
    const caller = apiCaller(deps.config(), typeof form['token'] === 'string' ? form['token'] : null);
    if (!caller) return c.html(loginPage(true), 401);
    const secure = c.req.header('x-forwarded-proto') === 'https';
    setCookie(c, SESSION_COOKIE, signSession(deps.config(), caller.name, deps.now().getTime()), {
      httpOnly: true,
      sameSite: 'Strict',
      path: '/',
      secure,
      maxAge: 12 * 3600,
    });
    return c.redirect('/', 303);
  });
  app.get('/', async (c) => {
    if (!callerOf(c)) return c.redirect('/login', 302);
    const none = {
      state: [],
      kind: [],
      service: null,
      region: null,
      subscription: null,
      source: null,
      from: null,
      to: null,
      q: c.req.query('q') ?? null,
      after: null,
    };
    return c.html(listPage(await listIncidents(deps.pools.read, { ...none, limit: 100 }), { q: none.q }));
  });
  app.get('/incidents/:id', async (c) => {
    if (!callerOf(c)) return c.redirect('/login', 302);
    const incident = await findIncident(deps.pools.read, c.req.param('id'));
    if (!incident) throw new Problem(404, 'no-such-incident', 'no incident has this id or tracking ID');
    const [timeline, deliveries] = await Promise.all([
      readTimeline(deps.pools.read, incident.id, { recordedUntil: null, limit: null }),
      readDeliveries(deps.pools.read, incident.id),
    ]);
    return c.html(incidentPage(incident, { timeline, deliveries, subscriptions: deps.config().subscriptions }));
  });
}
