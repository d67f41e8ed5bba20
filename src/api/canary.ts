/** Where the built-in destination of canaries calls back: this very process, over loopback. Workers have it too. */
import { timingSafeEqual } from 'node:crypto';
import type { OpenAPIHono } from '@hono/zod-openapi';
import { canaryRun } from '#src/core/canary.ts';
import { parseBody } from '#src/receivers/body.ts';
import type { ApiDeps, Env } from './deps.ts';
import { Problem } from './problem.ts';
import { readBody } from './body.ts';

/** Path of the callback; the token stands in the query. */
export const CANARY_PATH = '/v1/callbacks/canary';

/** `POST /v1/callbacks/canary`: 202, whether we have sent that canary or not; 401 without this process's own token. */
export function canaryRoute(app: OpenAPIHono<Env>, deps: ApiDeps): void {
  app.post(CANARY_PATH, async (c) => {
    const { canary } = deps;
    const given = Buffer.from(c.req.query('token') ?? '');
    const wanted = Buffer.from(canary?.token ?? '');
    if (!canary || given.length !== wanted.length || !timingSafeEqual(given, wanted))
      throw new Problem(401, 'unauthorized', 'only this process may call here');
    const run = runIn(parseBody(await readBody(c)));
    // Another relay on the same hub has its own; a refusal would open the breaker of ours.
    const known = run !== null && (await canary.heard(run));
    return c.json({ outcome: known ? 'noted' : 'unknown' }, 202);
  });
}

function runIn(body: ReturnType<typeof parseBody>): string | null {
  if (!body.ok) return null;
  const { data } = (body.value ?? {}) as { data?: { incident?: { identity?: unknown } } };
  const identity = data?.incident?.identity;
  return typeof identity === 'string' ? canaryRun(identity) : null;
}
