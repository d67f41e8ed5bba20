/** What callers of every kind get for what is not quite right: a clear 4xx, never a 500, never a cut connection. */
import { request } from 'node:http';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fixture, serviceHealth } from '#test/support/fixtures.ts';
import {
  API_TOKEN,
  openStores,
  READ_TOKEN,
  startRelay,
  TOKEN,
  type Stores,
  type TestRelay,
} from '#test/support/relay.ts';

const MIB = 1024 * 1024;
const RECEIVER = '/v1/receivers/azure-monitor';

let stores: Stores;
let relay: TestRelay;

beforeAll(async () => {
  stores = await openStores('embedded');
  relay = await startRelay(stores, 'passThrough: false\n');
});
afterAll(async () => {
  await relay.stop();
  await stores.stop();
});

/** JSON of exactly so many bytes. */
function ofSize(bytes: number): string {
  return `{"x":"${'y'.repeat(bytes - 8)}"}`;
}

/** The relay reads on for so long what is too large; whoever is slower may be cut off. */
const PATIENCE_MS = 2_000;

/** In pieces of 64 KiB, as a slow sender does; without a length where `chunked`. Rejects when the connection is cut. */
function send(path: string, body: string, options: { chunked: boolean }): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${TOKEN}`,
      'content-type': 'application/json',
      ...(options.chunked ? {} : { 'content-length': String(body.length) }),
    };
    const call = request(relay.url + path, { method: 'POST', headers });
    call.on('error', reject);
    call.on('response', (response) => {
      response.resume();
      // Only an answer to somebody who could say all of it counts.
      call.on('finish', () => resolve(response.statusCode ?? 0));
      if (call.writableFinished) resolve(response.statusCode ?? 0);
    });
    let at = 0;
    const write = (): void => {
      while (at < body.length) {
        const piece = body.slice(at, (at += 65_536));
        if (!call.write(piece)) return void call.once('drain', write);
      }
      call.end();
    };
    write();
  });
}

/** The answer to a sender who was not too slow. */
async function sendInTime(body: string, options: { chunked: boolean }): Promise<number> {
  for (;;) {
    const began = performance.now();
    try {
      return await send(RECEIVER, body, options);
    } catch (error) {
      if (performance.now() - began < PATIENCE_MS) throw error;
    }
  }
}

// oxlint-disable-next-line typescript/no-explicit-any -- asserted on by path
async function packed(encoding: string, body: Buffer): Promise<{ status: number; json: any; accepts: string | null }> {
  const headers = {
    authorization: `Bearer ${TOKEN}`,
    'content-type': 'application/json',
    'content-encoding': encoding,
  };
  const response = await fetch(relay.url + RECEIVER, { method: 'POST', headers, body: new Uint8Array(body) });
  return { status: response.status, json: await response.json(), accepts: response.headers.get('accept-encoding') };
}

describe('a body', () => {
  test.each([
    [MIB, 202],
    [MIB + 1, 413],
    [5 * MIB, 413],
    [20 * MIB, 413],
  ])('of %i bytes is answered %i, with its length and without', async (bytes, status) => {
    expect(await sendInTime(ofSize(bytes), { chunked: false })).toBe(status);
    expect(await sendInTime(ofSize(bytes), { chunked: true })).toBe(status);
  });

  test.each([
    ['gzip', gzipSync],
    ['GZip', (bytes: Buffer) => gzipSync(bytes)],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['identity', (bytes: Buffer) => bytes],
  ])('that a gateway has packed as %s is read like any other', async (encoding, pack) => {
    const news = serviceHealth({ trackingId: `${encoding}-${pack.name}`, communication: 1, stage: 'Active' });
    expect(await packed(encoding, pack(Buffer.from(JSON.stringify(news))))).toMatchObject({
      status: 202,
      json: { signals: [{ outcome: 'opened' }] },
    });
  });

  test('that unpacks to more than a megabyte, to no JSON, or in no known way is refused', async () => {
    expect((await packed('gzip', gzipSync(Buffer.alloc(64 * MIB, 0x20)))).status).toBe(413);
    expect((await packed('br', gzipSync('{}'))).json.code).toBe('not-json');
    expect((await packed('gzip', gzipSync('{}').subarray(0, 10))).json.code).toBe('not-json');
    expect((await packed('gzip', Buffer.from('{"not":"packed"}'))).status).toBe(202);
    const unknown = await packed('zstd', Buffer.from('{}'));
    expect([unknown.status, unknown.json.code, unknown.accepts]).toEqual([415, 'compressed-body', 'gzip, deflate, br']);
  });

  test('of more than a megabyte is refused by the API as well, before it is parsed', async () => {
    const note = { text: 'x'.repeat(2 * MIB) };
    const answer = await relay.call('POST', '/v1/incidents/NONE-000/notes', note);
    expect([answer.status, answer.json.code]).toEqual([413, 'too-large']);
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', ''])(
    'of type "%s" is no JSON to the API, whether a body is required or not',
    async (type) => {
      for (const path of ['/v1/silences', '/v1/backfill']) {
        const response = await fetch(relay.url + path, {
          method: 'POST',
          headers: { authorization: `Bearer ${API_TOKEN}`, ...(type === '' ? {} : { 'content-type': type }) },
          body: Buffer.from('{"match":{},"for":"1h"}'),
        });
        const said = { code: 'not-json', detail: expect.stringContaining('application/json') };
        expect([response.status, await response.json()]).toEqual([415, expect.objectContaining(said)]);
      }
    },
  );

  test.each(['application/json', 'Application/JSON; charset=utf-8', 'application/vnd.relay+json'])(
    'of type "%s" is JSON to the API',
    async (type) => {
      const response = await fetch(`${relay.url}/v1/silences`, {
        method: 'POST',
        headers: { authorization: `Bearer ${API_TOKEN}`, 'content-type': type },
        body: '{"match":{"kind":"alert"},"for":"1h"}',
      });
      expect(response.status).toBe(201);
    },
  );

  test('may begin with a byte order mark, as files of some shells do, at every door', async () => {
    expect((await relay.post('\uFEFF{}')).status).toBe(202);
    expect((await relay.call('POST', '/v1/silences', '\uFEFF{"match":{"kind":"alert"},"for":"1h"}')).status).toBe(201);
  });

  test('that is not JSON has the same code at every door', async () => {
    for (const path of [RECEIVER, '/v1/receivers/event-grid'])
      expect(await relay.post('{nope', path)).toMatchObject({ status: 400, json: { code: 'not-json' } });
    expect(await relay.call('POST', '/v1/silences', '{nope')).toMatchObject({
      status: 400,
      json: { code: 'not-json' },
    });
    const wrong = await relay.call('POST', '/v1/silences', 'null');
    expect([wrong.status, wrong.json.detail]).toEqual([400, expect.stringMatching(/^the body: /)]);
  });
});

test('a test notification is a test however often it comes: no other outcome is without an incident', async () => {
  for (const _ of [1, 2]) {
    const { status, json } = await relay.post(fixture('action-group-test/common-resource-health.json'));
    expect([status, json.signals]).toEqual([202, [{ id: expect.any(String), incident: null, outcome: 'test' }]]);
  }
});

describe('an address', () => {
  test.each([
    ['GET', RECEIVER, 'POST'],
    ['PUT', '/v1/receivers/event-grid', 'OPTIONS, POST'],
    ['GET', '/v1/callbacks/pagerduty', 'POST'],
    ['DELETE', '/v1/incidents', 'GET, HEAD'],
    ['GET', '/v1/deliveries/dlv_1/retry', 'POST'],
    ['PUT', '/v1/silences', 'GET, HEAD, POST'],
    ['POST', '/livez', 'GET, HEAD'],
    ['POST', '/incidents/CNT1-0AR', 'GET, HEAD'],
  ])('that is called with %s says what it takes: %s %s', async (method, path, allow) => {
    const answer = await relay.call(method, path);
    expect([answer.status, answer.json?.code, answer.headers.get('allow')]).toEqual([405, 'method-not-allowed', allow]);
  });

  test('where there is nothing is 404, and 401 for whoever has no token', async () => {
    expect((await relay.get('/v1/nothing')).json.code).toBe('no-such-route');
    expect((await relay.get('/nothing', { token: '' })).status).toBe(404);
    expect((await relay.get('/v1/nothing', { token: '' })).status).toBe(401);
    expect((await relay.call('DELETE', '/v1/incidents', undefined, '')).status).toBe(401);
  });

  test('of a host that is none is refused as everything else is', async () => {
    const said = await new Promise<{ status: number | undefined; type: unknown; text: string }>((resolve, reject) => {
      const call = request(`${relay.url}/livez`, { headers: { host: 'not a host' } }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
        response.on('end', () =>
          resolve({ status: response.statusCode, type: response.headers['content-type'], text }),
        );
      });
      call.on('error', reject).end();
    });
    expect([said.status, said.type]).toEqual([400, 'application/problem+json']);
    expect(JSON.parse(said.text)).toMatchObject({ code: 'invalid', requestId: expect.stringMatching(/^req_/) });
  });

  test('may have a slash too many: a webhook that was typed so must not lose the news', async () => {
    expect((await relay.post({ typed: 'with a slash' }, `${RECEIVER}/`)).status).toBe(202);
    expect((await relay.post({ typed: 'with two' }, `/${RECEIVER}`)).status).toBe(202);
    expect((await relay.post({ typed: 'in between' }, RECEIVER.replace('receivers/', 'receivers//'))).status).toBe(202);
    expect((await relay.get('/v1/incidents/')).status).toBe(200);
  });

  test.each([RECEIVER, '/v1/incidents', '/metrics', '/v1/callbacks/servicenow'])(
    'that wants a token says so: %s',
    async (path) => {
      const answer = await relay.call(
        path === RECEIVER || path.includes('callbacks') ? 'POST' : 'GET',
        path,
        undefined,
        '',
      );
      expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    },
  );
});

describe('a question', () => {
  test.each([
    '1|inc_a',
    '2001|inc_a',
    '+275000-01-01T00:00:00Z|inc_a',
    '0000-01-01T00:00:00Z|inc_a',
    '2026-02-31T99:00:00Z|inc_a',
    '2026-09-14T08:00:00Z|x',
  ])('with the cursor %s is answered 400, not 500', async (cursor) => {
    const answer = await relay.get(`/v1/incidents?cursor=${Buffer.from(cursor).toString('base64url')}`);
    expect([answer.status, answer.json.code]).toEqual([400, 'bad-cursor']);
  });

  test('with a misspelt state or kind is refused: an empty list would look like calm', async () => {
    expect((await relay.get('/v1/incidents?state=activ')).status).toBe(400);
    expect((await relay.get('/v1/incidents?kind=outage,outrage')).json.detail).toContain('unrecognised');
    const { incidents } = (await relay.get('/v1/incidents?kind=Unrecognised&state=ACTIVE,planned&state=resolved')).json;
    expect(new Set(incidents.map(({ kind, state }: { kind: string; state: string }) => `${kind} ${state}`))).toEqual(
      new Set(['unrecognised active']),
    );
  });

  test('for coverage that nobody configured has an answer: it is not known', async () => {
    const answer = await relay.get('/v1/coverage');
    expect(answer.status).toBe(200);
    expect(answer.json.coverage).toMatchObject({ known: false, well: false, subscriptions: [] });
    expect(answer.json.coverage.unknown).toContain('not configured');
  });

  test('for back-fill that nobody configured does not say that it is busy', async () => {
    expect((await relay.get('/v1/gaps')).json.backfill).toMatchObject({ enabled: false, busy: false });
  });

  test('by HEAD opens no stream that nobody closes', async () => {
    const headers = { authorization: `Bearer ${READ_TOKEN}` };
    for (let call = 0; call < 201; call++) {
      const response = await fetch(`${relay.url}/v1/stream`, { method: 'HEAD', headers });
      if (call === 200) expect(response.headers.get('content-type')).toContain('text/event-stream');
    }
    const ending = new AbortController();
    const stream = await fetch(`${relay.url}/v1/stream`, { headers, signal: ending.signal });
    expect(stream.status).toBe(200);
    ending.abort();
  });
});

test.each([
  ['without a boundary', 'multipart/form-data', 'x'],
  [
    'that breaks off',
    'multipart/form-data; boundary=zz',
    '--zz\r\nContent-Disposition: form-data; name="token"\r\n\r\nabc',
  ],
])('a form %s is refused, and is no fault of ours', async (_, type, body) => {
  const answer = await fetch(`${relay.url}/login`, { method: 'POST', body, headers: { 'content-type': type } });
  expect(answer.status).toBe(400);
});
