/** What `/readyz` and the metrics say about our own parts (design section 4): ready as long as a signal can be kept. */
import type { Part, Readiness } from './api/deps.ts';
import type { ConfigHolder } from './config/holder.ts';
import { BREAKER_AFTER, readBacklog, readHealth, type DestinationHealth } from './db/destinations.ts';
import type { Pools } from './db/pools.ts';
import { ping } from './db/reads.ts';
import type { Metrics } from './metrics.ts';
import { matchInWords } from './core/silence.ts';
import type { Delivery } from './pipeline/delivery.ts';
import { passThroughInWords, readQuiet } from './pipeline/quiet.ts';
import type { Spool } from './pipeline/spool/spool.ts';
import type { Bell } from './queue/bell.ts';

export interface Parts {
  pools: Pools;
  /** Null until the database has been seen. */
  bell(): Bell | null;
  delivery: Delivery | null;
  spool: Spool | null;
  holder: ConfigHolder;
  /** Parts that other features bring. */
  more?(): Part[];
}

/** Longer than this is "away": a probe must answer within its own second or two. */
const PING_MS = 1_500;

/** 503 only when we can neither commit nor spool; everything else that is missing is named as degraded. */
export async function readiness(parts: Parts): Promise<Readiness> {
  const { spool } = parts;
  const bell = parts.bell();
  const [postgres, queue] = await Promise.all([answers(parts.pools), bell ? bell.healthy() : false]);
  const list: Part[] = [
    {
      name: 'postgres',
      status: postgres === 'ok' ? 'ok' : 'down',
      ...(postgres === 'read-only' ? { detail: 'takes no writes: a standby, or set to read only' } : {}),
    },
    { name: 'queue', status: queue ? 'ok' : 'degraded' },
  ];
  if (parts.delivery) list.push({ name: 'delivery', status: parts.delivery.healthy() ? 'ok' : 'degraded' });
  if (spool) {
    const detail = spool.fault ?? (spool.active ? `${spool.bytes} bytes wait for Postgres` : undefined);
    list.push({
      name: 'spool',
      status: spool.fault ? 'down' : spool.active ? 'degraded' : 'ok',
      ...(detail ? { detail } : {}),
    });
  }
  const fault = parts.holder.reloadFault();
  if (fault !== null) list.push({ name: 'config', status: 'degraded', detail: fault });
  if (postgres !== 'away') list.push(...(await destinationParts(parts)), ...(await quietParts(parts)));
  list.push(...(parts.more?.() ?? []));
  const ready = postgres === 'ok' || (spool !== null && spool.fault === null);
  const degraded = list.some((part) => part.status !== 'ok');
  return { ready, status: ready ? (degraded ? 'degraded' : 'ok') : 'down', parts: list };
}

/** A destination that fails in a row, has switched itself off or refused what it got last is named; it never makes us unready. */
async function destinationParts({ pools, holder }: Parts): Promise<Part[]> {
  const configured = new Set(holder.current().destinations.map((destination) => destination.name));
  const health = await readHealth(pools.read).catch(() => []);
  return health
    .filter(
      (h) => configured.has(h.destination) && (h.disabled || h.consecutiveFailures >= BREAKER_AFTER || refusedLast(h)),
    )
    .map((h) => ({
      name: `destination ${h.destination}`,
      status: 'degraded' as const,
      detail: destinationFault(h),
    }));
}

/** With a key that was revoked each message is refused, none counts as a failure in a row, and nobody is told. */
function refusedLast({ consecutiveFailures, lastFailureAt, lastSuccessAt }: DestinationHealth): boolean {
  if (consecutiveFailures > 0 || lastFailureAt === null) return false;
  return lastSuccessAt === null || Date.parse(lastFailureAt) > Date.parse(lastSuccessAt);
}

function destinationFault(h: DestinationHealth): string {
  if (h.disabled) return 'the receiver said that it is gone for good';
  if (refusedLast(h)) return `refused the last message (${h.lastReason})`;
  return `${h.consecutiveFailures} failures in a row (${h.lastReason})`;
}

/** What keeps quiet by somebody's wish is in order: it is named, and makes nothing degraded. */
async function quietParts({ pools, holder }: Parts): Promise<Part[]> {
  const quiet = await readQuiet({ pool: pools.read, config: () => holder.current(), now: () => new Date() }).catch(
    () => null,
  );
  if (quiet === null) return [];
  const { silences, passThrough } = quiet;
  const words = silences.map(({ author, until, match }) => `${matchInWords(match)} by ${author} until ${until}`);
  return [
    ...(silences.length > 0
      ? [
          {
            name: 'silences',
            status: 'ok' as const,
            detail: `${silences.length} in force: ${words.join(' | ')}`.slice(0, 500),
          },
        ]
      : []),
    ...(passThrough.on
      ? [{ name: 'pass-through', status: 'ok' as const, detail: passThroughInWords(passThrough) }]
      : []),
  ];
}

async function answers(pools: Pools): Promise<'ok' | 'read-only' | 'away'> {
  const late = new Promise<'away'>((resolve) => setTimeout(() => resolve('away'), PING_MS).unref());
  return Promise.race([
    ping(pools.read).then(
      ({ writable }) => (writable ? ('ok' as const) : ('read-only' as const)),
      () => 'away' as const,
    ),
    late,
  ]);
}

/** Brings the gauges that are read from the database up to date. */
export async function refreshMetrics(parts: Parts, metrics: Metrics): Promise<void> {
  metrics.spooled.set(parts.spool?.bytes ?? 0);
  metrics.spoolAge.set(parts.spool?.ageS ?? 0);
  const quiet = await readQuiet({
    pool: parts.pools.read,
    config: () => parts.holder.current(),
    now: () => new Date(),
  });
  metrics.silencesActive.set(quiet.silences.length);
  metrics.passThrough.set(quiet.passThrough.on ? 1 : 0);
  const backlog = await readBacklog(parts.pools.read);
  metrics.deliveries.reset();
  metrics.backlogAge.reset();
  for (const row of backlog) {
    metrics.deliveries.set({ destination: row.destination, state: row.state }, row.count);
    if (row.oldestS > 0) metrics.backlogAge.set({ destination: row.destination }, row.oldestS);
  }
  await refreshBreakers(parts, metrics);
}

const BREAKER_STATES = ['closed', 'open', 'off'] as const;

/** Of every destination of the config that was ever called; the row is shared, so each replica says the same. */
async function refreshBreakers({ pools, holder }: Parts, metrics: Metrics): Promise<void> {
  const configured = new Set(holder.current().destinations.map((destination) => destination.name));
  const health = (await readHealth(pools.read)).filter((row) => configured.has(row.destination));
  for (const gauge of [metrics.breaker, metrics.destinationFailures, metrics.destinationPause]) gauge.reset();
  for (const { destination, disabled, consecutiveFailures, pausedUntil } of health) {
    const now = disabled ? 'off' : consecutiveFailures >= BREAKER_AFTER ? 'open' : 'closed';
    for (const state of BREAKER_STATES) metrics.breaker.set({ destination, state }, state === now ? 1 : 0);
    metrics.destinationFailures.set({ destination }, consecutiveFailures);
    const pauseS = pausedUntil === null ? 0 : (Date.parse(pausedUntil) - Date.now()) / 1000;
    metrics.destinationPause.set({ destination }, Math.max(0, pauseS));
  }
}
