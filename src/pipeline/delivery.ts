/**
 * The delivery side of a process: a lane per destination, the heartbeat that keeps its leases, and the reconciler that
 * makes up for every lost ring (design 3.3, 3.4).
 */
import { hostname } from 'node:os';
import { beat, forgetWorkers, releaseHolder, unregister } from '#src/db/deliveries.ts';
import { findNeglected, LEASE_DEAD_AFTER_MS } from '#src/db/due.ts';
import { newId } from '#src/ids.ts';
import { createCompleter } from './completer.ts';
import { createLane, type Lane, type LaneOptions } from './lane.ts';

export interface DeliveryOptions extends Omit<LaneOptions, 'holder' | 'holds' | 'complete'> {
  role: string;
  /** No other process can have this database: what is held was held by one that is dead. */
  alone?: boolean;
  /** Called with the number of destinations that the reconciler found neglected. */
  onReconciled?(destinations: string[]): void;
}

export interface Delivery {
  /** Registers the process and starts heartbeat and reconciler. */
  start(): Promise<void>;
  /** Works one destination off; the answer to a ring. */
  drain(destination: string): Promise<void>;
  /** Ends within about `limitMs`: running calls are aborted and their outcomes written, the rest is released. */
  stop(limitMs: number): Promise<void>;
  readonly inFlight: number;
  /** Reconciler and heartbeat have run lately. */
  healthy(): boolean;
}

/** A job drains at most this long (design 3.3). */
const DRAIN_MS = 5_000;
const BEAT_MS = 1_000;
const RECONCILE_MS = 1_000;
/** Due for longer than this means that nobody is coming (design 3.3). */
const NEGLECTED_AFTER_MS = 1_000;

/** Sets up the delivery side; nothing runs before `start`. */
export function createDelivery(options: DeliveryOptions): Delivery {
  const holder = newId('wrk');
  const completer = createCompleter(options.pool);
  const lanes = new Map<string, Lane>();
  const worker = { id: holder, host: hostname(), role: options.role };
  let beating: NodeJS.Timeout | undefined;
  let reconciling: NodeJS.Timeout | undefined;
  let beatAt = 0;
  let reconciledAt = 0;
  let stopping = false;

  function lane(destination: string): Lane {
    let known = lanes.get(destination);
    if (!known) {
      known = createLane(destination, {
        ...options,
        holder,
        holds,
        complete: (completion) => completer.complete(completion),
      });
      lanes.set(destination, known);
    }
    return known;
  }

  async function drain(destination: string): Promise<void> {
    if (stopping) return;
    await lane(destination).drain(DRAIN_MS);
  }

  /** By the monotonic clock, which runs on while a process is frozen. Counted from before the beat was sent: never too long. */
  function holds(): boolean {
    return performance.now() - beatAt < LEASE_DEAD_AFTER_MS;
  }

  async function pulse(): Promise<void> {
    // Others may have taken over what was held: nothing more may go out for it, even once the heart beats again.
    if (beatAt > 0 && !holds()) for (const known of lanes.values()) known.abort(new Error('the lease was lost'));
    try {
      const sentAt = performance.now();
      await beat(options.pool, worker);
      beatAt = sentAt;
    } catch (error) {
      options.onError(error as Error, { what: 'heartbeat' });
    }
    if (!stopping) beating = setTimeout(() => void pulse(), BEAT_MS);
  }

  async function reconcile(): Promise<void> {
    try {
      const neglected = await findNeglected(options.pool, {
        dueForMs: NEGLECTED_AFTER_MS,
        among: options.config().destinations.map((destination) => destination.name),
      });
      reconciledAt = performance.now();
      if (neglected.length > 0) options.onReconciled?.(neglected);
      for (const destination of neglected)
        void drain(destination).catch((error: unknown) => options.onError(error as Error, { destination }));
    } catch (error) {
      options.onError(error as Error, { what: 'reconciler' });
    }
    // Jitter, so that replicas do not look at the same moment.
    if (!stopping) reconciling = setTimeout(() => void reconcile(), RECONCILE_MS * (0.8 + Math.random() * 0.4));
  }

  return {
    async start() {
      if (options.alone) await forgetWorkers(options.pool);
      await pulse();
      await reconcile();
    },
    drain,
    async stop(limitMs) {
      stopping = true;
      clearTimeout(reconciling);
      // The heart beats on while calls end: their leases must hold until their outcomes are written.
      await Promise.all([...lanes.values()].map((known) => known.stop(limitMs)));
      clearTimeout(beating);
      await releaseHolder(options.pool, holder).catch((error: unknown) =>
        options.onError(error as Error, { what: 'release' }),
      );
      await unregister(options.pool, holder).catch(() => undefined);
    },
    get inFlight() {
      return [...lanes.values()].reduce((sum, known) => sum + known.inFlight, 0);
    },
    healthy: () => performance.now() - Math.min(beatAt, reconciledAt) < 15_000,
  };
}
