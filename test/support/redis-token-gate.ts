/** Stands before Redis and does what Azure does: cuts a connection when the last token that it has shown ends. */
import { connect, createServer, type Socket } from 'node:net';

export interface RedisTokenGate {
  port: number;
  /** Connections that were cut because their token had ended. */
  expired: number;
  /** Open connections, each with the tokens that it has shown so far. */
  open(): string[][];
  stop(): Promise<void>;
}

const TOKEN = /eyJ0\.[\w-]+\.\d+(?=\r\n)/g;
/** A token may come in two chunks. */
const TAIL_CHARS = 4_096;

/** @param untilMs when a token ends */
export async function startRedisTokenGate(
  target: { host: string; port: number },
  untilMs: (token: string) => number,
): Promise<RedisTokenGate> {
  const connections = new Map<Socket, string[]>();
  const server = createServer((client) => {
    const upstream = connect(target);
    const shown: string[] = [];
    connections.set(client, shown);
    let tail = '';
    let timer: NodeJS.Timeout | undefined;
    const end = (): void => {
      clearTimeout(timer);
      connections.delete(client);
      client.destroy();
      upstream.destroy();
    };
    const expire = (): void => {
      gate.expired += 1;
      end();
    };
    client.on('data', (chunk) => {
      tail = (tail + chunk.toString('latin1')).slice(-TAIL_CHARS);
      for (const [token] of tail.matchAll(TOKEN)) {
        if (shown.includes(token)) continue;
        shown.push(token);
        clearTimeout(timer);
        timer = setTimeout(expire, untilMs(token) - Date.now());
      }
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => client.write(chunk));
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const gate: RedisTokenGate = {
    port: (server.address() as { port: number }).port,
    expired: 0,
    open: () => [...connections.values()],
    async stop() {
      for (const client of connections.keys()) client.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return gate;
}
