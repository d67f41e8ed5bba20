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

interface Relay {
  url: string;
  /** How often it was looked at. */
  looks: number;
  /** Lets it answer. */
  answer(): void;
}

/** A relay that is well, and says so once it may. */
async function relayAt(store: string): Promise<Relay> {
  const body = JSON.stringify({ relayId: 'pair', store, delivers: true, answers: [] });
  const { promise: may, resolve: answer } = Promise.withResolvers<void>();
  const server = createServer((_, response) => {
    relay.looks++;
    void may.then(() => response.end(body));
  });
  servers.push(server);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const relay: Relay = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, looks: 0, answer };
  return relay;
}

function configFor(url: string): RelayConfig {
  const section = { url, token: 'token', everyMs: 3_600_000, missingAfterMs: 3_600_000, graceMs: 60_000 };
  return { relayId: 'pair', egress: { allow: ['127.0.0.1'] }, peer: section } as unknown as RelayConfig;
}

test.each([
  ['between two looks', ['well', 'well']],
  ['while it is being looked at', ['well']],
])('a peer at another address is looked at at once, also when the old one goes %s', async (when, wanted) => {
  const [east, west] = [await relayAt('east'), await relayAt('west')];
  west.answer();
  if (when === 'between two looks') east.answer();
  let config = configFor(east.url);
  const pool = { query: () => Promise.resolve({ rows: [{ born: '1', delivers: true }] }) } as unknown as Pool;
  const looks: string[] = [];
  peer = createPeer({ config: () => config, pool, onLook: ({ is }) => looks.push(is) });
  peer.start();
  if (when === 'between two looks') await expect.poll(() => peer!.state()?.is).toBe('well');
  else await expect.poll(() => east.looks).toBe(1);
  config = configFor(west.url);
  expect(peer.state()?.is).toBe('unknown');
  east.answer();
  await expect.poll(() => peer!.state()?.is).toBe('well');
  expect(looks).toEqual(wanted);
});
