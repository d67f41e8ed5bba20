/** One round: a canary by each door at the same time, followed through the store until each is back or its time is over. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import { canaryIdentity, HOP_FAULTS, type CanaryHop } from '#src/core/canary.ts';
import { finishRound, readProgress, recordDoor, startRound, type CanaryProgress } from '#src/db/canary.ts';
import type { Door } from './doors.ts';

export interface RunResult {
  receiver: string;
  /** The first hop that was not passed; null where the canary came back. */
  broken: CanaryHop | null;
  /** In words; empty where nothing is wrong. */
  fault: string;
  /** Of the hops that were passed, milliseconds from the sending. */
  tookMs: Partial<Record<CanaryHop, number>>;
}

export interface RoundOptions {
  withinMs: number;
  builtIn: boolean;
  hops: readonly CanaryHop[];
  signal: AbortSignal;
}

/** A round asks the store so often how far its canaries are. */
const POLL_MS = 200;

/** Sends, waits, and writes down what came of it. A round that is cut off at shutdown says nothing about hops. */
export async function runRound(
  pool: Pool,
  runs: readonly { id: string; door: Door }[],
  { withinMs, builtIn, hops, signal }: RoundOptions,
): Promise<RunResult[]> {
  const named = runs.map(({ id, door }) => ({ id, receiver: door.receiver, identity: canaryIdentity(id) }));
  const endsAt = performance.now() + withinMs;
  await startRound(pool, named, hops);
  const sending = Promise.all(runs.map(async ({ id, door }) => recordDoor(pool, id, await door.send(id, signal))));
  // Awaited below, together with the rest; until then a fault must not end the process.
  sending.catch(() => undefined);
  let progress: CanaryProgress[] = [];
  do {
    await sleep(POLL_MS, undefined, { signal });
    progress = await readProgress(pool, named, { builtIn });
  } while (progress.some((run) => !isOver(run, hops)) && performance.now() < endsAt);
  await Promise.race([sending, sleep(0)]);
  const order = (run: CanaryProgress): number => named.findIndex((one) => one.id === run.id);
  const results = progress.toSorted((a, b) => order(a) - order(b)).map((run) => resultOf(run, hops));
  await finishRound(
    pool,
    results.flatMap(({ receiver, tookMs }) =>
      Object.entries(tookMs).map(([hop, ms]) => ({ receiver, hop: hop as CanaryHop, tookMs: ms })),
    ),
    results.filter((one) => one.broken !== null).map((one) => `${one.receiver}: ${one.fault}`),
  );
  return results;
}

/** A door that has refused a canary will not bring it in later. */
function isOver({ fault, tookMs }: CanaryProgress, hops: readonly CanaryHop[]): boolean {
  return fault !== null || hops.every((hop) => tookMs[hop] !== null);
}

function resultOf({ receiver, fault, tookMs }: CanaryProgress, hops: readonly CanaryHop[]): RunResult {
  const broken = hops.find((hop) => tookMs[hop] === null) ?? null;
  const passed = broken === null ? hops : hops.slice(0, hops.indexOf(broken));
  return {
    receiver,
    broken,
    fault: broken === null ? '' : `${HOP_FAULTS[broken]}${fault === null ? '' : ` (${fault})`}`,
    tookMs: Object.fromEntries(passed.map((hop) => [hop, tookMs[hop]!])),
  };
}
