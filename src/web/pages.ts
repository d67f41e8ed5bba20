/** The pages. Server-rendered, no front-end build, no inline script; one style sheet and one script for all of them. */
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { setCookie } from 'hono/cookie';
import { apiCaller, SESSION_COOKIE, signSession, type Caller } from '#src/api/auth.ts';
import type { ApiDeps, Env } from '#src/api/deps.ts';
import { pageOfIncidents } from '#src/api/incidents.ts';
import { mayReadSecurity } from '#src/api/incidents-need-to-know.ts';
import { retryDelivery, writeNote } from '#src/api/incidents-notes.ts';
import { loadRecord } from '#src/api/incidents-record.ts';
import { issueInWords, Problem } from '#src/api/problem.ts';
import { IncidentQuery, NoteBody, parseUtc } from '#src/api/schemas.ts';
import { quietNow } from '#src/api/silences.ts';
import { destinationStates, sourceStates } from '#src/api/status.ts';
import { readUnmatchedCallbacks } from '#src/db/callbacks.ts';
import { readTold } from '#src/db/destinations-told.ts';
import { readTests } from '#src/db/reads.ts';
import { destinationsPage } from './destinations-page.ts';
import { action, formOf, guardPages, localPath, page, requireOwnForm, type CallerOf } from './guard.ts';
import { incidentPage } from './incident-page.ts';
import type { Html } from './layout.ts';
import { listPage } from './list-page.ts';
import { loginPage } from './login-page.ts';
import { SCRIPT } from './script.ts';
import { sourcesPage } from './sources-page.ts';
import { STYLE } from './style.ts';

const FOR_GOOD = 'public, max-age=31536000, immutable';
const OPEN_MAX = 200;
const OVER_MAX = 50;

/** Registers the pages. Visitors without a session are asked for a token. */
export function pageRoutes(app: OpenAPIHono<Env>, deps: ApiDeps, callerOf: CallerOf): void {
  guardPages(app);
  app.get('/style.css', (c) =>
    c.body(STYLE, 200, { 'content-type': 'text/css; charset=utf-8', 'cache-control': FOR_GOOD }),
  );
  app.get('/app.js', (c) =>
    c.body(SCRIPT, 200, { 'content-type': 'text/javascript; charset=utf-8', 'cache-control': FOR_GOOD }),
  );
  sessionRoutes(app, deps);
  app.get(
    '/',
    page(deps, callerOf, (c, caller) => list(c, deps, caller)),
  );
  app.get(
    '/incidents/:id',
    page(deps, callerOf, async (c, caller) => {
      const record = await loadRecord(deps, caller, { id: c.req.param('id')!, at: moment(c.req.query('at')) });
      const quiet = record.at === null ? await quietNow(deps) : null;
      return incidentPage({ record, caller, config: deps.config(), now: deps.now(), quiet });
    }),
  );
  app.get(
    '/destinations',
    page(deps, callerOf, async (_, caller) => {
      const [states, accepted, quiet] = await Promise.all([
        destinationStates(deps),
        readTold(deps.pools.read),
        quietNow(deps),
      ]);
      return destinationsPage({ caller, now: deps.now(), states, config: deps.config(), accepted, quiet });
    }),
  );
  app.get(
    '/sources',
    page(deps, callerOf, async (_, caller) => {
      const [{ sources, odd, canary }, callbacks] = await Promise.all([
        sourceStates(deps),
        readUnmatchedCallbacks(deps.pools.read, 20),
      ]);
      const coverage = deps.coverage?.() ?? null;
      return sourcesPage({ caller, now: deps.now(), sources, odd, canary, coverage, callbacks });
    }),
  );
  app.post(
    '/incidents/:id/notes',
    action(deps, callerOf, async (c, caller, form) => {
      const parsed = NoteBody.safeParse({ text: form['text'], event: form['event'] });
      if (!parsed.success) throw new Problem(400, 'invalid', parsed.error.issues[0]?.message ?? 'malformed');
      const id = c.req.param('id')!;
      const { id: entry } = await writeNote(deps, caller, { id, note: parsed.data });
      return `/incidents/${encodeURIComponent(id)}#e${entry}`;
    }),
  );
  app.post(
    '/deliveries/:id/retry',
    action(deps, callerOf, async (c, caller, form) => {
      // Level by now, through a try of our own: the page that follows shows it.
      await retryDelivery(deps, caller, c.req.param('id')!).catch((error: unknown) => {
        if (!(error instanceof Problem)) throw error;
      });
      return `/incidents/${encodeURIComponent(form['incident'] ?? '')}#told`;
    }),
  );
}

async function list(c: Context<Env>, deps: ApiDeps, caller: Caller): Promise<Html> {
  const given = Object.fromEntries(Object.entries(c.req.query()).filter(([, value]) => value !== ''));
  const parsed = IncidentQuery.safeParse(given);
  if (!parsed.success) {
    throw new Problem(400, 'invalid', issueInWords(parsed.error.issues[0]));
  }
  const query = parsed.data;
  const full = mayReadSecurity(deps.config(), caller);
  const some = async (states: string[], limit: number, cursor?: string) => {
    const state = query.state.length === 0 ? states : query.state.filter((name) => states.includes(name));
    if (state.length === 0) return { incidents: [], next: null };
    return pageOfIncidents(deps, { query: { ...query, state, limit, cursor }, full });
  };
  const [open, over, tests, quiet] = await Promise.all([
    query.cursor === undefined ? some(['planned', 'active'], OPEN_MAX) : { incidents: [] },
    some(['resolved', 'closed'], OVER_MAX, query.cursor),
    readTests(deps.pools.read, 5),
    quietNow(deps),
  ]);
  const { cursor: _cursor, limit: _limit, ...filters } = given;
  const next = over.next === null ? null : `/?${new URLSearchParams({ ...filters, cursor: over.next }).toString()}`;
  return listPage({ caller, now: deps.now(), filters, open: open.incidents, over: over.incidents, next, tests, quiet });
}

/** As a person writes it, `2026-09-14 09:14`, always UTC; null for now. */
function moment(given: string | undefined): string | null {
  if (given === undefined || given.trim() === '') return null;
  const ms = parseUtc(given);
  if (Number.isNaN(ms)) throw new Problem(400, 'invalid', 'at: not a time; write 2026-09-14 09:14');
  // Typed to the minute, a moment means the whole of it.
  return new Date(/^\S+[ T]\d\d:\d\dZ?$/i.test(given.trim()) ? ms + 59_999 : ms).toISOString();
}

function sessionRoutes(app: OpenAPIHono<Env>, deps: ApiDeps): void {
  app.get('/login', (c) => c.html(loginPage({ failed: false, to: localPath(c.req.query('to') ?? '/') })));
  app.post('/login', async (c) => {
    const form = await formOf(c);
    const to = localPath(form['to'] ?? '/');
    const caller = apiCaller(deps.config(), form['token'] ?? null);
    if (!caller) return c.html(loginPage({ failed: true, to }), 401);
    const secure = c.req.header('x-forwarded-proto') === 'https';
    setCookie(c, SESSION_COOKIE, signSession(deps.config(), caller.name, deps.now().getTime()), {
      httpOnly: true,
      sameSite: 'Strict',
      path: '/',
      secure,
      maxAge: 12 * 3600,
    });
    return c.redirect(to, 303);
  });
  app.post('/logout', (c) => {
    requireOwnForm(c);
    setCookie(c, SESSION_COOKIE, '', { httpOnly: true, sameSite: 'Strict', path: '/', maxAge: 0 });
    return c.redirect('/login', 303);
  });
}
