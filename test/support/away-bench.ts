/** Relays that reach their Postgres through a proxy which can take it away, beside one that reaches it directly. For one test file. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { openStores, startRelay, type Stores, type TestRelay } from './relay.ts';
import { startTcpProxy, through, type TcpProxy } from './tcp-proxy.ts';
import { PagerDutyServer } from './vendors/pagerduty.ts';

export interface AwayBench {
  proxy: () => TcpProxy;
  pager: () => PagerDutyServer;
  /** Of the database, past the proxy. */
  url: () => string;
  /** `spool`: with a folder, the same for all of a test. `direct`: past the proxy. Stopped after the test. */
  relay: (config: string, how: { spool: boolean; direct?: boolean }) => Promise<TestRelay>;
  /** Connections are cut, new ones refused. */
  goAway: () => void;
}

/** Registers what every test of the file needs; each has a database of its own. */
export function useAwayBench(): AwayBench {
  let stores: Stores;
  let url: string;
  let proxy: TcpProxy;
  let pager: PagerDutyServer;
  let folder: string;
  let relays: TestRelay[] = [];

  beforeAll(async () => void (stores = await openStores('postgres')));
  afterAll(() => stores.stop());
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'relay-away-'));
    pager = await new PagerDutyServer().start();
    url = (await stores.environment())['DATABASE_URL']!;
    const { hostname: host, port } = new URL(url);
    proxy = await startTcpProxy({ host, port: Number(port) });
  });
  afterEach(async () => {
    proxy.mode = 'pass';
    await Promise.all(relays.map((relay) => relay.stop()));
    relays = [];
    await proxy.stop();
    await pager.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  return {
    proxy: () => proxy,
    pager: () => pager,
    url: () => url,
    async relay(config, { spool, direct = false }) {
      const relay = await startRelay(stores, config, {
        DATABASE_URL: direct ? url : through(url, proxy),
        ...(spool ? { RELAY_SPOOL_DIR: join(folder, 'spool') } : {}),
      });
      relays.push(relay);
      return relay;
    },
    goAway() {
      proxy.mode = 'away';
      proxy.cut();
    },
  };
}
