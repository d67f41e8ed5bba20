import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHttpClient, type HttpClient } from '#src/http/client.ts';
import { VendorServer } from '#test/support/vendors/vendor-server.ts';

const FREE = () => ({ signal: new AbortController().signal, deadlineMs: 15_000 });
let server: VendorServer;
let client: HttpClient;

beforeEach(async () => {
  server = await new VendorServer(({ body }) => ({ status: 202, body: { got: body } })).start();
  client = createHttpClient({ egress: { allow: ['127.0.0.0/8'] } });
});

afterEach(async () => {
  await client.close();
  await server.stop();
});

const post = (url = server.url) =>
  ({ method: 'POST', url, body: 'x', headers: { 'content-type': 'text/plain' } }) as const;

/** Leaves an open connection: on that a request is out before any deadline can come, however slow the machine is. */
async function connected(): Promise<void> {
  await client.call(FREE())(post());
  // undici rests a connection for one turn of the event loop before it is used again.
  await new Promise((resolve) => setImmediate(resolve));
}

const arrived = () => expect.poll(() => server.requests.length).toBe(1);

describe('an HTTP call', () => {
  it('brings back status, lower-cased headers and body', async () => {
    const result = await client.call(FREE())(post(`${server.url}/a?b=c`));
    expect(result).toMatchObject({ answered: true, status: 202, body: '{"got":"x"}' });
    expect(result.answered && result.headers['content-type']).toBe('application/json');
    expect(server.requests[0]).toMatchObject({ method: 'POST', path: '/a?b=c' });
    expect(server.requests[0]?.headers['user-agent']).toBe('health-relay');
  });

  it('uses connections again', async () => {
    const ports = new Set<number | undefined>();
    const raw = await listen((socket) => {
      ports.add(socket.remotePort);
      socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'));
    });
    for (let i = 0; i < 8; i++) await client.call(FREE())(post(raw.url));
    // Two, since undici rests a connection for one turn of the event loop before it is used again.
    expect(ports.size).toBeLessThanOrEqual(2);
    raw.stop();
  });

  it('does not follow a redirect', async () => {
    server.failNext({ kind: 'answer', answer: { status: 302, headers: { location: `${server.url}/else` } } });
    expect(await client.call(FREE())(post())).toMatchObject({ answered: true, status: 302 });
    expect(server.requests).toHaveLength(1);
  });

  it('cuts a body over the cap and still answers', async () => {
    const small = createHttpClient({ egress: { allow: ['127.0.0.0/8'] }, bodyBytesMax: 1_000 });
    server.failNext({ kind: 'answer', answer: { status: 200, body: 'y'.repeat(5_000_000) } });
    const result = await small.call(FREE())(post());
    expect(result.answered && result.body).toBe('y'.repeat(1_000));
    await small.close();
  });
});

describe('a failure before anything was sent', () => {
  it('is connect where nobody listens', async () => {
    const { url } = server;
    await server.stop();
    expect(await client.call(FREE())(post(url))).toMatchObject({ answered: false, sent: false, reason: 'connect' });
  });

  it('is dns where the name does not exist', async () => {
    // The machine's own resolver refuses an empty label: no name server is asked, which might take its time.
    const result = await client.call(FREE())(post('https://no-such..host.invalid/'));
    expect(result).toMatchObject({ answered: false, sent: false, reason: 'dns' });
  });

  it('is tls where the other side speaks none', async () => {
    const result = await client.call(FREE())(post(server.url.replace('http:', 'https:')));
    expect(result).toMatchObject({ answered: false, sent: false, reason: 'tls' });
    expect(server.requests).toEqual([]);
  });

  it('is reset-free: a connection cut during the TLS handshake was not sent', async () => {
    const raw = await listen((socket) => socket.on('data', () => socket.destroy()));
    const result = await client.call(FREE())(post(raw.url.replace('http:', 'https:')));
    expect(result).toMatchObject({ answered: false, sent: false });
    raw.stop();
  });

  it.each(['http://127.0.0.1', 'https://127.0.0.1', 'https://localhost', 'https://[::ffff:127.0.0.1]'])(
    'is egress at connect for %s without a rule, and no connection is made',
    async (origin) => {
      const strict = createHttpClient({ egress: { allow: [] } });
      let connections = 0;
      const raw = await listen(() => connections++);
      const result = await strict.call(FREE())(post(`${origin}:${raw.port}/`));
      expect(result).toMatchObject({ answered: false, sent: false, reason: 'egress' });
      expect(!result.answered && result.detail).toMatch(/egress\.allow|TLS/);
      expect(connections).toBe(0);
      await strict.close();
      raw.stop();
    },
  );

  it('is aborted where the signal fired before the call', async () => {
    const result = await client.call({ signal: AbortSignal.abort(), deadlineMs: 1_000 })(post());
    expect(result).toMatchObject({ answered: false, sent: false, reason: 'aborted' });
    expect(server.requests).toEqual([]);
  });

  it('is timeout where the handshake hangs, and nothing is sent later', async () => {
    const raw = await listen(() => undefined);
    const result = await client.call({ ...FREE(), deadlineMs: 200 })(post(raw.url.replace('http:', 'https:')));
    expect(result).toMatchObject({ answered: false, sent: false, reason: 'timeout' });
    raw.stop();
  });

  it('is unexpected for a header that cannot be sent', async () => {
    const result = await client.call(FREE())({ ...post(), headers: { 'x-bad': 'a\r\nb: c' } });
    expect(result).toMatchObject({ answered: false, sent: false, reason: 'unexpected' });
    expect(server.requests).toEqual([]);
  });

  it('is egress for a URL of another protocol', async () => {
    for (const url of ['file:///etc/passwd', 'nonsense']) {
      expect(await client.call(FREE())(post(url))).toMatchObject({ answered: false, sent: false, reason: 'egress' });
    }
  });
});

describe('a failure after the request went out', () => {
  it.each([true, false])('is sent and reset where the connection is cut (taken: %s)', async (taken) => {
    server.failNext({ kind: 'reset', taken });
    expect(await client.call(FREE())(post())).toMatchObject({ answered: false, sent: true, reason: 'reset' });
  });

  it('is sent also where an idle connection of the pool turns out dead', async () => {
    await client.call(FREE())(post());
    server.failNext({ kind: 'reset', taken: false });
    expect(await client.call(FREE())(post())).toMatchObject({ answered: false, sent: true, reason: 'reset' });
    expect(server.requests).toHaveLength(2);
  });

  it.each(['hang', 'slow', 'drip'] as const)(
    'is sent and timeout at the deadline where the vendor %ss',
    async (kind) => {
      await connected();
      if (kind === 'hang') server.failNext({ kind, taken: true });
      else if (kind === 'slow') server.failNext({ kind, delayMs: 2_000 });
      else server.failNext({ kind });
      const result = await client.call({ ...FREE(), deadlineMs: 300 })(post());
      expect(result).toMatchObject({ answered: false, sent: true, reason: 'timeout' });
    },
  );

  it('is sent and aborted at the signal', async () => {
    server.failNext({ kind: 'hang', taken: true });
    const abort = new AbortController();
    const result = client.call({ ...FREE(), signal: abort.signal })(post());
    await arrived();
    abort.abort();
    expect(await result).toMatchObject({ answered: false, sent: true, reason: 'aborted' });
  });

  it('shares one deadline between the requests of a call', async () => {
    server.failAlways({ kind: 'hang', taken: true });
    const timedOut = { answered: false, reason: 'timeout' };
    const http = client.call({ ...FREE(), deadlineMs: 400 });
    const first = http(post());
    await new Promise((resolve) => setTimeout(resolve, 200));
    // However late timers are, they come in the order in which they are due.
    const ends: string[] = [];
    const another = client
      .call({ ...FREE(), deadlineMs: 400 })(post())
      .finally(() => ends.push('another call'));
    const second = http(post()).finally(() => ends.push('the second request'));
    for (const result of [first, second, another]) expect(await result).toMatchObject(timedOut);
    expect(ends).toEqual(['the second request', 'another call']);
    server.failAlways(null);
    expect(await http(post())).toMatchObject({ ...timedOut, sent: false });
  });

  it('is sent where a success breaks off in its body, but a refusal stands', async () => {
    const partial = async (status: number) => {
      const raw = await listen((socket) =>
        socket.on('data', () => socket.end(`HTTP/1.1 ${status} X\r\nContent-Length: 100\r\n\r\npartial`)),
      );
      const result = await client.call(FREE())(post(raw.url));
      raw.stop();
      return result;
    };
    expect(await partial(200)).toMatchObject({ answered: false, sent: true });
    expect(await partial(429)).toMatchObject({ answered: true, status: 429, body: 'partial' });
  });

  it('comes back at close instead of waiting for the vendor', async () => {
    server.failNext({ kind: 'hang', taken: true });
    const result = client.call(FREE())(post());
    await arrived();
    await client.close();
    expect(await result).toMatchObject({ answered: false, sent: true, reason: 'aborted' });
    expect(await client.call(FREE())(post())).toMatchObject({ answered: false, sent: false, reason: 'aborted' });
  });
});

describe('resolveHost', () => {
  it('gives an allowed address, and throws with the rule otherwise', async () => {
    expect(await client.resolveHost('127.0.0.1', { tls: false })).toBe('127.0.0.1');
    const strict = createHttpClient({ egress: { allow: [] } });
    await expect(strict.resolveHost('localhost', { tls: true })).rejects.toThrow('egress.allow');
    await strict.close();
  });
});

interface RawServer {
  url: string;
  port: number;
  stop(): void;
}

/** A TCP server for what an HTTP server would not do. */
async function listen(onSocket: (socket: Socket) => unknown): Promise<RawServer> {
  const sockets = new Set<Socket>();
  const raw: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onSocket(socket);
  });
  await new Promise<void>((resolve) => raw.listen(0, '127.0.0.1', resolve));
  const { port } = raw.address() as AddressInfo;
  const stop = (): void => {
    for (const socket of sockets) socket.destroy();
    raw.close();
  };
  return { url: `http://127.0.0.1:${port}`, port, stop };
}
