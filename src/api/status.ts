/** Probes, metrics and the state of our own parts. A probe never calls a vendor and needs no token; details do. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { accountOf } from '#src/config/destinations.ts';
import { CANARY_SOURCE } from '#src/core/canary.ts';
import { readBacklog, readHealth } from '#src/db/destinations.ts';
import { readOddSignals, readSources } from '#src/db/reads.ts';
import type { HubState } from '#src/receivers/event-hubs/hub-receiver.ts';
import type { ApiDeps, CanaryView, Env } from './deps.ts';
import { Problem } from './problem.ts';

const anything = (description: string) => ({
  description,
  content: { 'application/json': { schema: z.object({}).loose() } },
});

/** Probes: `/livez` depends on nothing, `/readyz` is 503 only when we can neither commit nor spool. */
export function probeRoutes(app: OpenAPIHono<Env>, deps: ApiDeps, mayRead: (c: Context<Env>) => boolean): void {
  app.get('/livez', (c) => c.json({ status: 'ok' }));
  app.get('/readyz', async (c) => {
    const { ready, status, parts } = await deps.readiness();
    // Without a token only the names of what is degraded are shown, not why.
    const shown = mayRead(c) ? parts : parts.map((part) => ({ name: part.name, status: part.status }));
    return c.json({ status, parts: shown }, ready ? 200 : 503);
  });
  app.get('/metrics', async (c) => {
    if (!deps.config().metrics.open && !mayRead(c)) throw new Problem(401, 'unauthorized', 'a token is required');
    await deps
      .refreshMetrics()
      .catch((error: unknown) => deps.log.warn({ error: (error as Error).message }, 'metrics.stale'));
    return c.body(await deps.metrics.registry.metrics(), 200, { 'content-type': deps.metrics.registry.contentType });
  });
}

/** `/v1/destinations` and `/v1/sources`: health, backlog, last word; what was not understood. */
export function statusRoutes(app: OpenAPIHono<Env>, deps: ApiDeps): void {
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/destinations',
      summary: 'Destinations with health and backlog',
      responses: { 200: anything('The destinations') },
    }),
    async (c) => c.json({ relayId: deps.config().relayId, destinations: await destinationStates(deps) }, 200),
  );
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/sources',
      summary: 'Senders, and what was not understood of late',
      responses: { 200: anything('The sources') },
    }),
    async (c) => c.json(await sourceStates(deps), 200),
  );
}

export interface DestinationState {
  name: string;
  /** Part of its vendor keys. */
  id: string;
  /** Changes with the account or key behind it; a hash that leads back to neither. Null where the config does not name it. */
  account: string | null;
  type: string;
  retired: boolean;
  /** Tells only what the peer does not. */
  standby: boolean;
  updates: string;
  failOpen: boolean;
  pausedUntil: string | null;
  disabled: boolean;
  consecutiveFailures: number;
  lastSuccessAt: string | null;
  lastFailureAt: string | null;
  lastReason: string | null;
  backlog: Record<string, number>;
  oldestS: number;
}

/** Every configured destination, and those that still have deliveries though the config no longer names them. */
export async function destinationStates(deps: ApiDeps): Promise<DestinationState[]> {
  const [health, backlog] = await Promise.all([readHealth(deps.pools.read), readBacklog(deps.pools.read)]);
  const configured = deps.config().destinations;
  const names = new Set([...configured.map((d) => d.name), ...backlog.map((b) => b.destination)]);
  return [...names].map((name) => {
    const settings = configured.find((d) => d.name === name);
    const seen = health.find((h) => h.destination === name);
    const owed = backlog.filter((b) => b.destination === name);
    return {
      name,
      id: settings?.id ?? name,
      account: settings ? accountOf(settings) : null,
      type: settings?.type ?? 'not in the config',
      retired: settings?.retired ?? true,
      standby: settings?.standby ?? false,
      updates: settings?.updates.policy ?? 'none',
      failOpen: settings?.failOpen ?? false,
      pausedUntil: seen?.pausedUntil ?? null,
      disabled: seen?.disabled ?? false,
      consecutiveFailures: seen?.consecutiveFailures ?? 0,
      lastSuccessAt: seen?.lastSuccessAt ?? null,
      lastFailureAt: seen?.lastFailureAt ?? null,
      lastReason: seen?.lastReason ?? null,
      backlog: Object.fromEntries(owed.map((b) => [b.state, b.count])),
      oldestS: Math.max(0, ...owed.map((b) => b.oldestS)),
    };
  });
}

/** Configured senders, those seen, and the newest odd messages. */
export async function sourceStates(deps: ApiDeps): Promise<{
  sources: { source: string; signals: number; lastReceivedAt: string | null; hubs: HubState[] }[];
  odd: Awaited<ReturnType<typeof readOddSignals>>;
  canary: CanaryView | null;
}> {
  const [seen, odd] = await Promise.all([readSources(deps.pools.read), readOddSignals(deps.pools.read, 50)]);
  const { receivers } = deps.config();
  const names = new Set([
    ...receivers.tokens.map((t) => t.source),
    ...receivers.eventHubs.map((h) => h.source),
    ...seen.filter((s) => s.source !== CANARY_SOURCE).map((s) => s.source),
  ]);
  const sources = [...names].map((source) => {
    const row = seen.find((s) => s.source === source);
    const hubs = (deps.hubs?.() ?? []).filter((hub) => hub.source === source);
    return { source, signals: row?.signals ?? 0, lastReceivedAt: row?.lastReceivedAt ?? null, hubs };
  });
  return { sources, odd, canary: deps.canary?.view() ?? null };
}
