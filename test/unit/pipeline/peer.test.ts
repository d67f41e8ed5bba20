/** The look at the peer follows the config: another address is looked at at once, whatever the pause between looks. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Pool } from 'pg';
import { afterEach, expect, test } from 'vitest';
import type { RelayConfig } from '#src/config/types.ts';
import { createPeer, type Peer } from '#src/pipeline/standby/peer.ts';

const servers: Server[] = [];
let peer: Peer | undefined;
afterEach(async () => {
  await peer?.stop();
  for (const server of servers.splice(0)) server.close();
});

/** A relay that is well, after `pauseMs`. */
async function relayAt(store: string, pauseMs = 0): Promise<string> {
  const body = JSON.stringify({ relayId: 'pair', store, delivers: true, answers: [] });
  const server = createServer((_, answer) => void setTimeout(() => answer.end(body), pauseMs));
  servers.push(server);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function configFor(url: string): RelayConfig {
  const section = { url, token: 'token', everyMs: 3_600_000, missingAfterMs: 3_600_000, graceMs: 60_000 };
  return { relayId: 'pair', egress: { allow: ['127.0.0.1'] }, peer: section } as unknown as RelayConfig;
}

test.each([
  ['between two looks', 0],
  ['while it is being looked at', 300],
])('a peer at another address is looked at at once, also when the old one goes %s', async (_, pauseMs) => {
  let config = configFor(await relayAt('east', pauseMs));
  const pool = { query: () => Promise.resolve({ rows: [{ born: '1', delivers: true }] }) } as unknown as Pool;
  const looks: string[] = [];
  peer = createPeer({ config: () => config, pool, onLook: ({ is }) => looks.push(is) });
  peer.start();
  if (pauseMs === 0) await expect.poll(() => peer!.state()?.is).toBe('well');
  else await new Promise((done) => setTimeout(done, pauseMs / 2));
  config = configFor(await relayAt('west'));
  expect(peer.state()?.is).toBe('unknown');
  await expect.poll(() => peer!.state()?.is, { timeout: 3_000 }).toBe('well');
  expect(looks).toEqual(pauseMs === 0 ? ['well', 'well'] : ['well']);
});
