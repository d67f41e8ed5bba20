/** What every page is behind: a strict content policy, compression, a session, and forms that only we can send. */
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { compress } from 'hono/compress';
import { secureHeaders } from 'hono/secure-headers';
import type { Caller } from '#src/api/auth.ts';
import type { ApiDeps, Env } from '#src/api/deps.ts';
import { Problem } from '#src/api/problem.ts';
import { isStoreAway } from '#src/db/pools.ts';
import { faultPage, type Html } from './layout.ts';

const PATHS = [
  '/',
  '/login',
  '/logout',
  '/incidents/*',
  '/deliveries/*',
  '/destinations',
  '/sources',
  '/docs',
  '/style.css',
  '/app.js',
];

/** No script or style but our own files, nothing from elsewhere, no frame. */
export function guardPages(app: OpenAPIHono<Env>): void {
  const headers = secureHeaders({
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
  const packed = compress();
  for (const path of PATHS) {
    app.use(path, headers);
    app.use(path, packed);
  }
}

export type CallerOf = (c: Context<Env>) => Caller | null;

/** A page for whoever is logged in; others are asked for a token and brought back. Faults are pages too. */
export function page(
  deps: ApiDeps,
  callerOf: CallerOf,
  render: (c: Context<Env>, caller: Caller) => Promise<Html> | Html,
): (c: Context<Env>) => Promise<Response> {
  return async (c) => {
    const caller = callerOf(c);
    if (!caller) return c.redirect(`/login?to=${encodeURIComponent(localPath(c.req.url))}`, 302);
    try {
      // What is shown may have changed by the next look, and is not for a shared cache.
      return c.html(await render(c, caller), 200, { 'cache-control': 'private, no-cache' });
    } catch (error) {
      return faultAnswer(c, deps, { error: error as Error, caller });
    }
  };
}

/** A form by whoever may operate; ends on another page. */
export function action(
  deps: ApiDeps,
  callerOf: CallerOf,
  act: (c: Context<Env>, caller: Caller, form: Record<string, string>) => Promise<string>,
): (c: Context<Env>) => Promise<Response> {
  return async (c) => {
    const caller = callerOf(c);
    try {
      requireOwnForm(c);
      if (!caller) return c.redirect('/login', 303);
      if (caller.role !== 'operate') throw new Problem(403, 'forbidden', 'this token may only read');
      return c.redirect(await act(c, caller, await formOf(c)), 303);
    } catch (error) {
      return faultAnswer(c, deps, { error: error as Error, caller });
    }
  };
}

/** Text fields of a form of ours, 64 KiB at most. */
export async function formOf(c: Context<Env>): Promise<Record<string, string>> {
  if (Number(c.req.header('content-length') ?? Infinity) > 65_536)
    throw new Problem(413, 'too-large', 'that is too long');
  const form = await c.req.parseBody().catch(() => {
    throw new Problem(400, 'invalid', 'that is not a form');
  });
  const entries = Object.entries(form);
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

/**
 * A form is ours when the browser says so (Sec-Fetch-Site), else when its Origin is the host that was called. Cookies
 * are SameSite=Strict besides; without tokens there is no cookie, and this is all that stands before another site.
 */
export function requireOwnForm(c: Context<Env>): void {
  const site = c.req.header('sec-fetch-site');
  const origin = c.req.header('origin');
  const own =
    site === undefined ? origin !== undefined && hostOf(origin) === c.req.header('host') : site === 'same-origin';
  if (!own) throw new Problem(403, 'cross-site', 'this form was not sent from our own page');
}

/** Path and query of an address of ours; `/` for anything that would lead elsewhere. */
export function localPath(address: string): string {
  if (!URL.canParse(address, 'http://relay.invalid')) return '/';
  const url = new URL(address, 'http://relay.invalid');
  const path = url.pathname + url.search;
  return /^\/(?![/\\])/.test(path) ? path : '/';
}

function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}

function faultAnswer(
  c: Context<Env>,
  deps: ApiDeps,
  { error, caller }: { error: Error; caller: Caller | null },
): Response | Promise<Response> {
  const requestId = c.get('requestId');
  if (error instanceof Problem) {
    const title = error.status === 404 ? 'Not found' : error.status === 403 ? 'Not allowed' : 'That did not work';
    return c.html(faultPage({ title, detail: error.message, requestId, caller }), error.status);
  }
  const title = 'Not available';
  if (isStoreAway(error)) {
    deps.log.warn({ error: error.message, requestId, path: c.req.path }, 'request.unavailable');
    const detail = 'The database does not answer. /readyz says whether news is still taken in.';
    return c.html(faultPage({ title, detail, requestId, caller }), 503, { 'retry-after': '5' });
  }
  deps.log.error({ error: error.message, stack: error.stack, requestId, path: c.req.path }, 'page.bug');
  const detail = 'Something went wrong on our side';
  return c.html(faultPage({ title, detail, requestId, caller }), 500);
}
