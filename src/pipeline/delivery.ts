/**
 * The delivery side of a process: a lane per destination, the heartbeat that keeps its leases, and the reconciler that
 * makes up for every lost ring (design 3.3, 3.4).
 */
import { hostname } from 'node:os';
import { beat, forgetWorkers, hasSilentWorker, releaseHolder, unregister } from '#src/db/workers.ts';
import { findNeglected, LEASE_DEAD_AFTER_MS } from '#src/db/due.ts';
import { newId } from '#src/ids.ts';
import { createCompleter } from './completer.ts';
import { createLane, type Lane, type LaneOptions } from './lane.ts';

export interface DeliveryOptions extends Omit<LaneOptions, 'holder' | 'holds' | 'complete'> {
  role: string;
  /** For the heartbeat alone. Absent: it shares the lanes' pool. */
  heart?: LaneOptions['pool'];
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
  /** A lane has more to do than this process can: what is accepted now would only wait longer. */
  behind(): boolean;
  /** Reconciler and heartbeat have run lately. */
  healthy(): boolean;
}

/** A job drains at most this long (design 3.3). */
const DRAIN_MS = 5_000;
const BEAT_MS = 1_000;
/** After a beat that failed, while there is a lease to save. */
const BEAT_AGAIN_MS = 250;
const RECONCILE_MS = 1_000;
/** While a process is silent its leases run out: then the look comes sooner, so that the next try does (docs/adr/lease-of-three-and-a-half-seconds.md). */
const SILENT_LOOK_MS = 250;
/** Calls end this long before the lease does, so that none is under way when another takes over. */
const ABORT_BEFORE_MS = 250;
/** Due for longer than this means that nobody is coming (design 3.3). */
const NEGLECTED_AFTER_MS = 1_000;

/** Sets up the delivery side; nothing runs before `start`. */
export function createDelivery(options: DeliveryOptions): Delivery {
  const holder = newId('wrk');
  const completer = createCompleter(options.pool);
  const lanes = new Map<string, Lane>();
  const worker = { id: holder, host: hostname(), role: options.role };
  let beating: NodeJS.Timeout | undefined;
  let losing: NodeJS.Timeout | undefined;
  let pulsing: Promise<void> = Promise.resolve();
  let reconciling: NodeJS.Timeout | undefined;
  let beatAt = 0;
  let reconciledAt = 0;
  let stopping = false;
  let ended = false;

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
    // Whose own lease is in doubt takes no other: it would claim what it holds itself.
    if (stopping || !holds()) return;
    await lane(destination).drain(DRAIN_MS);
  }

  /** By the monotonic clock, which runs on while a process is frozen. Counted from before the beat was sent: never too long. */
  function holds(): boolean {
    return performance.now() - beatAt < LEASE_DEAD_AFTER_MS;
  }

  /** Others may take over what is held: nothing more may go out for it, even once the heart beats again. */
  function lose(): void {
    for (const known of lanes.values()) known.abort(new Error('the lease was lost'));
  }

  async function pulse(): Promise<void> {
    if (beatAt > 0 && !holds()) lose();
    let nextMs = BEAT_MS;
    try {
      const sentAt = performance.now();
      await beat(options.heart ?? options.pool, worker);
      beatAt = sentAt;
      clearTimeout(losing);
      // Who has the database alone can lose nothing to another.
      if (!options.alone) losing = setTimeout(lose, sentAt + LEASE_DEAD_AFTER_MS - ABORT_BEFORE_MS - performance.now());
    } catch (error) {
      if (holds()) nextMs = BEAT_AGAIN_MS;
      options.onError(error as Error, { what: 'heartbeat' });
    }
    if (!ended) beating = setTimeout(() => void (pulsing = pulse()), nextMs);
  }

  async function reconcile(): Promise<void> {
    let silent = false;
    try {
      silent = await hasSilentWorker(options.pool);
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
    const everyMs = silent ? SILENT_LOOK_MS : RECONCILE_MS;
    if (!stopping) reconciling = setTimeout(() => void reconcile(), everyMs * (0.8 + Math.random() * 0.4));
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
      ended = true;
      clearTimeout(beating);
      // A beat under way would write the row again that is about to go.
      await pulsing;
      clearTimeout(losing);
      await releaseHolder(options.pool, holder).catch((error: unknown) =>
        options.onError(error as Error, { what: 'release' }),
      );
      await unregister(options.pool, holder).catch(() => undefined);
    },
    get inFlight() {
      return [...lanes.values()].reduce((sum, known) => sum + known.inFlight, 0);
    },
    behind: () => [...lanes.values()].some((known) => known.behind),
    healthy: () => performance.now() - Math.min(beatAt, reconciledAt) < 15_000,
  };
}
