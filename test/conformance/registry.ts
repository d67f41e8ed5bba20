/**
 * Runs a suite over every adapter of the registry, each case on a fresh stand-in. What does not apply to a kind is
 * listed here by name, so that an adapter cannot leave a case out on its own.
 */
import { describe, expect, it } from 'vitest';
import { adapters } from '#adapters/index.ts';
import type { Adapter, DestinationView } from '#src/core/adapter.ts';
import type { ConformanceBench, RunningBench } from './bench.ts';
import { Delivery } from './delivery.ts';

/** Kinds that do not speak HTTP: the transport suite has nothing to break there. */
export const SMTP_KINDS: readonly string[] = ['email'];

/**
 * Kinds whose vendor has no failure text of its own behind a 2xx: Standard Webhooks gives the body no meaning, a Teams
 * flow answers with nothing, mail has none.
 */
export const BODYLESS_KINDS: readonly string[] = ['webhook', 'teams', 'email'];

/** Kinds for which every 2xx is a success by the vendor's own rule, even a web page (destinations 8). */
export const ANY_2XX_KINDS: readonly string[] = ['webhook'];

/**
 * Kinds whose vendor knows nothing that wakes nobody: what is over before it was told is not sent there, and the receipt
 * says so.
 */
export const LOUD_KINDS: readonly string[] = ['opsgenie'];

/** Kinds whose vendor redirects to its sign-in page for a while, as it also answers 200 with HTML (destinations 2.5). */
export const SIGN_IN_REDIRECT_KINDS: readonly string[] = ['servicenow'];

export interface Case {
  adapter: Adapter;
  bench: ConformanceBench;
  /** Runs `use` on a fresh stand-in and a fresh delivery, and cleans up whatever happens. */
  onBench: (
    use: (delivery: Delivery, running: RunningBench) => Promise<void>,
    destination?: Partial<DestinationView>,
  ) => Promise<void>;
}

/** Loads the bench of a kind; throws where there is none. */
export async function loadBench(kind: string): Promise<ConformanceBench> {
  const loaded = (await import(`./benches/${kind}.ts`)) as { bench?: ConformanceBench };
  if (!loaded.bench) throw new Error(`benches/${kind}.ts must export "bench"`);
  return loaded.bench;
}

/** Defines `suite` for every registered adapter, or for those that `only` picks. */
export async function forEachAdapter(suite: (useCase: Case) => void, only: (kind: string) => boolean = () => true) {
  for (const adapter of adapters.filter(({ kind }) => only(kind))) {
    const bench = await loadBench(adapter.kind).catch(() => null);
    describe(adapter.kind, () => {
      if (!bench) return it('has a bench', () => expect.unreachable(`benches/${adapter.kind}.ts is missing or broken`));
      return suite({
        adapter,
        bench,
        async onBench(use, destination) {
          const running = await bench.start();
          const delivery = new Delivery(adapter, running, destination);
          try {
            await use(delivery, running);
          } finally {
            await delivery.close();
            await running.stop();
          }
        },
      });
    });
  }
}
