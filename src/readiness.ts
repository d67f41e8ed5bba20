/** What `/readyz` and the metrics say about our own parts (design section 4): ready as long as a signal can be kept. */
import type { Part, Readiness } from './api/deps.ts';
import type { ConfigHolder } from './config/holder.ts';
import { BREAKER_AFTER, readBacklog, readHealth } from './db/destinations.ts';
import type { Pools } from './db/pools.ts';
import { ping } from './db/reads.ts';
import type { Metrics } from './metrics.ts';
import type { Delivery } from './pipeline/delivery.ts';
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
    { name: 'postgres', status: postgres ? 'ok' : 'down' },
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
  if (postgres) list.push(...(await destinationParts(parts)));
  list.push(...(parts.more?.() ?? []));
  const ready = postgres || (spool !== null && spool.fault === null);
  const degraded = list.some((part) => part.status !== 'ok');
  return { ready, status: ready ? (degraded ? 'degraded' : 'ok') : 'down', parts: list };
}

/** A destination that fails in a row, is paused or switched off itself is named; it never makes us unready. */
async function destinationParts({ pools, holder }: Parts): Promise<Part[]> {
  const configured = new Set(holder.current().destinations.map((destination) => destination.name));
  const health = await readHealth(pools.read).catch(() => []);
  return health
    .filter((h) => configured.has(h.destination) && (h.disabled || h.consecutiveFailures >= BREAKER_AFTER))
    .map((h) => ({
      name: `destination ${h.destination}`,
      status: 'degraded' as const,
      detail: h.disabled
        ? 'the receiver said that it is gone for good'
        : `${h.consecutiveFailures} failures in a row (${h.lastReason})`,
    }));
}

async function answers(pools: Pools): Promise<boolean> {
  const late = new Promise<false>((resolve) => setTimeout(() => resolve(false), PING_MS).unref());
  return Promise.race([
    ping(pools.read).then(
      () => true,
      () => false,
    ),
    late,
  ]);
}

/** Brings the gauges that are read from the database up to date. */
export async function refreshMetrics(parts: Parts, metrics: Metrics): Promise<void> {
  metrics.spooled.set(parts.spool?.bytes ?? 0);
  const backlog = await readBacklog(parts.pools.read);
  metrics.deliveries.reset();
  metrics.backlogAge.reset();
  for (const row of backlog) {
    metrics.deliveries.set({ destination: row.destination, state: row.state }, row.count);
    if (row.oldestS > 0) metrics.backlogAge.set({ destination: row.destination }, row.oldestS);
  }
}
