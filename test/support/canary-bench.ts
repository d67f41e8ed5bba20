/** Breaks a hop of the chain under a running canary, and measures how long it takes until that is seen. For one test file. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, vi } from 'vitest';
import { startHeartbeatServer, untilUnwell, untilWell } from './canary.ts';
import { openStores, startRelay, type Stores, type TestRelay } from './relay.ts';
import { VendorServer } from './vendors/vendor-server.ts';

/** Other times than those that a test can wait for: `TEST_CANARY_EVERY=60s TEST_CANARY_WITHIN=30s`. */
const EVERY = process.env['TEST_CANARY_EVERY'] ?? '2s';
const WITHIN = process.env['TEST_CANARY_WITHIN'] ?? '2s';

/** Longest time until something that is broken must be seen, with room for a busy machine. */
export const PATIENCE_MS = 3_000 * Number.parseInt(EVERY, 10) + 40_000;

export interface Break {
  /** What the canary must say. */
  wanted: RegExp;
  break: () => unknown;
  mend?: () => unknown;
}

/** Stands where the ingress stands: passes on to `target`, loses the path `lost`, or answers for itself. */
export type Ingress = VendorServer & { target: string; lost: string };

export interface CanaryBench {
  stores(): Stores;
  ping(): VendorServer;
  /** Runs at the end of the test, last one first. */
  later(close: () => Promise<unknown>): void;
  /** YAML of the two sections; `rest` in flow style. */
  canary(rest?: string): string;
  relay(config: string, environment?: Record<string, string>, stores?: Stores): Promise<TestRelay>;
  ingress(): Promise<Ingress>;
  /** Breaks, waits until it is seen and the heartbeat is silent; mends, and waits until all is well and it beats again. */
  broken(name: string, relay: { url: string }, how: Break): Promise<void>;
  /** A line for the table that is printed at the end. */
  note(line: string): void;
}

/** Registers what every test of the file needs. */
export function useCanaryBench(): CanaryBench {
  // A break and what mends it are waited for one after the other, up to three times.
  vi.setConfig({ testTimeout: 6 * PATIENCE_MS });
  const measured: string[] = [];
  let stores: Stores;
  let ping: VendorServer;
  let closers: (() => Promise<unknown>)[] = [];
  const later = (close: () => Promise<unknown>): void => void closers.push(close);
  const beatsSince = (at: number): number => ping.requests.filter((request) => request.at > at).length;

  beforeAll(async () => {
    stores = await openStores('postgres');
  });
  afterAll(async () => {
    await stores.stop();
    process.stdout.write(`\nseen after, with every ${EVERY} and within ${WITHIN}:\n${measured.join('\n')}\n`);
  });
  beforeEach(async () => {
    ping = await startHeartbeatServer();
    later(() => ping.stop());
  });
  afterEach(async () => {
    for (const close of closers.toReversed()) await close();
    closers = [];
  });

  return {
    stores: () => stores,
    ping: () => ping,
    later,
    note: (line) => void measured.push(line),
    canary: (rest = '') =>
      `canary: { every: ${EVERY}, within: ${WITHIN}${rest === '' ? '' : `, ${rest}`} }\nheartbeat: { url: "${ping.url}/x", every: 1s }\n`,
    async relay(config, environment, from = stores) {
      const started = await startRelay(from, config, environment);
      later(() => started.stop());
      return started;
    },
    async ingress() {
      const server = Object.assign(
        new VendorServer(async ({ method, path, headers, body }) => {
          const { host: _host, 'content-length': _length, connection: _connection, ...rest } = headers;
          if (path === server.lost) return { status: 404 };
          const answer = await fetch(server.target + path, { method, headers: rest, body });
          return { status: answer.status, body: await answer.text() };
        }),
        { target: '', lost: '' },
      );
      await server.start();
      later(() => server.stop());
      return server;
    },
    async broken(name, relay, how) {
      await untilWell(relay, PATIENCE_MS);
      await expect.poll(() => ping.requests.length).toBeGreaterThan(0);
      await how.break();
      const { fault, afterMs } = await untilUnwell(relay, how.wanted, PATIENCE_MS);
      measured.push(`${name.padEnd(32)} ${(afterMs / 1000).toFixed(1).padStart(5)} s  ${fault.slice(0, 110)}`);
      // One that was due before the verdict may be on its way.
      const silentFrom = Date.now() + 500;
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      expect(beatsSince(silentFrom)).toBe(0);
      if (!how.mend) return;
      const mendedAt = Date.now();
      await how.mend();
      await untilWell(relay, PATIENCE_MS);
      await expect.poll(() => beatsSince(mendedAt), { timeout: PATIENCE_MS }).toBeGreaterThan(0);
    },
  };
}
