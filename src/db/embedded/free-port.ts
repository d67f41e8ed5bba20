import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Linux gives outgoing connections a local port of 32,768 to 60,999 (`ip_local_port_range`), macOS and Windows from 49,152
 * on. A port from there may be somebody's outgoing connection by the time that it is bound, or when a server that was
 * killed comes back on it; one from below can only be taken by another listener.
 */
const FIRST = 10_000;
const END = 20_000;
const TRIES = 50;

/**
 * A loopback port that nobody listens on at the moment.
 *
 * @throws the last reason when 50 random ports are all taken or forbidden
 */
export function freePort(): Promise<number> {
  return firstFree(() => randomInt(FIRST, END));
}

/** The first of 50 ports from `next` that can be bound. Throws as {@link freePort}. */
export async function firstFree(next: () => number): Promise<number> {
  for (let tries = 1; ; tries++) {
    const port = next();
    try {
      await tryPort(port);
      return port;
    } catch (error) {
      if (tries === TRIES) throw error;
    }
  }
}

async function tryPort(port: number): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
