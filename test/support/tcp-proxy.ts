/** A TCP proxy that makes a server be away, hang, or lose a connection at a chosen moment. */
import { connect, createServer, type Socket } from 'node:net';

export interface TcpProxy {
  port: number;
  /** `away` refuses and cuts; `hang` takes connections and bytes and passes nothing on. */
  mode: 'pass' | 'away' | 'hang';
  /** Every chunk from the client waits this long, milliseconds. */
  delayMs: number;
  /** Called with every chunk from the client; true cuts that connection before (`'before'`) or after the server got it. */
  onChunk: ((chunk: Buffer) => 'before' | 'after' | null) | null;
  /** Nothing passes on the connections of now any more, and neither side hears of an end; new ones work. */
  silence(): void;
  /** Cuts all connections. */
  cut(): void;
  stop(): Promise<void>;
}

/** Listens on a free port and passes everything to `target`. */
export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const pairs = new Set<{ client: Socket; server: Socket; silent: boolean }>();
  const server = createServer((client) => {
    client.on('error', () => undefined);
    if (proxy.mode === 'away') return void client.destroy();
    const upstream = connect(target);
    const pair = { client, server: upstream, silent: false };
    pairs.add(pair);
    const end = (): void => {
      pairs.delete(pair);
      client.destroy();
      upstream.destroy();
    };
    upstream.on('error', end).on('close', end);
    // A silent side does not hear that the other has gone.
    client.on('close', () => !pair.silent && end());
    client.on('data', (chunk) => {
      if (proxy.mode === 'hang' || pair.silent) return;
      const verdict = proxy.onChunk?.(chunk) ?? null;
      if (pair.silent) return;
      if (verdict === 'before') return end();
      if (proxy.delayMs === 0) upstream.write(chunk);
      else setTimeout(() => upstream.destroyed || upstream.write(chunk), proxy.delayMs);
      // The server has the bytes and works on them; the client never hears the answer.
      if (verdict === 'after') {
        client.destroy();
        pairs.delete(pair);
        setTimeout(() => upstream.destroy(), 300);
      }
    });
    upstream.on('data', (chunk) => {
      if (proxy.mode !== 'hang' && !pair.silent && !client.destroyed) client.write(chunk);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy: TcpProxy = {
    port: (server.address() as { port: number }).port,
    mode: 'pass',
    delayMs: 0,
    onChunk: null,
    silence() {
      for (const pair of pairs) pair.silent = true;
    },
    cut() {
      for (const { client, server: upstream } of pairs) {
        client.destroy();
        upstream.destroy();
      }
    },
    async stop() {
      proxy.cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}

/** The same URL through the proxy. */
export function through(url: string, proxy: TcpProxy): string {
  const changed = new URL(url);
  changed.hostname = '127.0.0.1';
  changed.port = String(proxy.port);
  return changed.href;
}
