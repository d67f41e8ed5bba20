/** Whether a host can be reached: name, egress rules, TCP, TLS. Not a byte of a protocol is sent beyond the handshake. */
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { HttpClient } from '#src/http/client.ts';
import { reasonOf } from './finding.ts';

export interface Target {
  host: string;
  port: number;
  tls: boolean;
}

export type Reached =
  | { ok: true; ms: number }
  /** `egress`: our own rules refuse it; `tls`: somebody answers whom we may not trust. */
  | { ok: false; stage: 'dns' | 'egress' | 'tcp' | 'tls'; reason: string };

const CONNECT_MS = 5_000;

/** @param client brings the egress rules; null where they do not hold, as for our own stores and hubs */
export async function reach(target: Target, client: HttpClient | null): Promise<Reached> {
  const { host, port, tls } = target;
  let address = host;
  if (client !== null) {
    try {
      // smtp may turn to TLS after its greeting, so a port without TLS from the start is judged by its address alone.
      address = await client.resolveHost(host, { tls: true });
    } catch (error) {
      const egress = (error as Error).name === 'EgressError';
      return { ok: false, stage: egress ? 'egress' : 'dns', reason: reasonOf(error) };
    }
  }
  const started = performance.now();
  try {
    const socket = await opened(connectTcp({ host: address, port }), 'connect');
    try {
      if (tls) {
        const secure = connectTls({ socket, ...(isIP(host) === 0 ? { servername: host } : { host }) });
        await opened(secure, 'secureConnect').catch((error: unknown) => {
          throw new TlsError(reasonOf(error));
        });
      }
    } finally {
      socket.destroy();
    }
    return { ok: true, ms: Math.round(performance.now() - started) };
  } catch (error) {
    const dns = (error as NodeJS.ErrnoException).syscall === 'getaddrinfo';
    const stage = error instanceof TlsError ? 'tls' : dns ? 'dns' : 'tcp';
    return { ok: false, stage, reason: reasonOf(error) };
  }
}

class TlsError extends Error {
  override readonly name = 'TlsError';
}

function opened(socket: Socket, event: 'connect' | 'secureConnect'): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => fail(new Error(`no answer within ${CONNECT_MS / 1000} s`)), CONNECT_MS);
    function fail(error: Error): void {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    }
    // Errors of a socket that is given up later have nobody to go to.
    socket.on('error', fail);
    socket.once('close', () => fail(new Error('the connection was closed in the handshake')));
    socket.once(event, () => {
      clearTimeout(timer);
      resolve(socket);
    });
  });
}
