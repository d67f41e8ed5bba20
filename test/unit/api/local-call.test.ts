/** Without tokens only this machine may call, under a name that nobody else can own. */
import { Hono } from 'hono';
import { expect, test } from 'vitest';
import { isLocalCall } from '#src/api/auth.ts';
import type { ApiDeps, Env } from '#src/api/deps.ts';
import { Problem } from '#src/api/problem.ts';
import { receiverCaller } from '#src/api/receivers.ts';

test.each(['localhost', 'localhost:8080', '127.0.0.1', '127.0.0.1:8080', '127.8.8.8', '[::1]', '[::1]:8080'])(
  'a call of %s from this machine is local',
  (host) => expect(isLocalCall('127.0.0.1', host)).toBe(true),
);

test.each([
  undefined,
  '',
  'evil.example',
  '127.0.0.1.evil.example',
  '127.evil.example:8080',
  '127.0.0.1.5',
  'localhost.evil.example',
  '::ffff:127.0.0.1.evil.example',
])('a call of %s is not, though it comes from this machine: the name may have been rebound', (host) =>
  expect(isLocalCall('127.0.0.1', host)).toBe(false),
);

test('a call from another machine is not, whatever name it gives', () => {
  expect(isLocalCall('10.0.0.5', 'localhost')).toBe(false);
  expect(isLocalCall(undefined, 'localhost')).toBe(false);
});

test('a web page on this machine sends nothing to a receiver without tokens, as its browser names an origin', async () => {
  const open = { receivers: { tokens: [], entra: null } };
  const deps = { config: () => open } as unknown as ApiDeps;
  const app = new Hono<Env>().post('/', async (c) => c.json(await receiverCaller(c, deps)));
  app.onError((error, c) => c.text(error.message, error instanceof Problem ? error.status : 500));
  const post = (headers: Record<string, string>): Response | Promise<Response> =>
    app.request(
      'http://127.0.0.1/',
      { method: 'POST', headers: { host: '127.0.0.1', ...headers } },
      {
        incoming: { socket: { remoteAddress: '127.0.0.1' } },
      },
    );
  expect(await (await post({})).json()).toEqual({ source: 'local', subscription: null });
  for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1'])
    expect((await post({ origin })).status).toBe(401);
});
