/** The part of `relay check` that asks the running relay: what a new config would leave open at a vendor. */
import { accountOf } from '#src/config/destinations.ts';
import type { Fault } from '#src/config/fault.ts';
import type { RelayConfig } from '#src/config/types.ts';
import { CANARY_DESTINATION } from '#src/core/canary.ts';
import type { Io } from './command.ts';
import { apiClient, type RelayClient } from './relay-client.ts';

/** What is looked at of the API's answers. */
interface Running {
  relayId?: string;
  destinations: {
    name: string;
    id?: string;
    account?: string | null;
    type: string;
    backlog: Record<string, number>;
  }[];
}
interface Delivery {
  destination: string;
  state: string;
  attempts: { outcome: string | null }[];
}

/** A check must not hang on a relay that does, nor on one that is slow a thousand times. */
const TIMEOUT_MS = 3_000;
const LOOK_MS = 10_000;
const PAGE = 200;
/** Looked through for one that is open at each destination in question; whoever has more open has other worries. */
const INCIDENTS_MAX = 1_000;
const WAITING = ['pending', 'retrying', 'delivering', 'suppressed'];

/** What would become of a destination's vendor keys. */
interface Change {
  name: string;
  path: string;
  what: string;
  hint: string;
}

/**
 * Warnings for destinations that the config removes or gives other vendor keys while something is open there (design
 * section 4). None where no relay answers or it does not let us ask: the config may be meant for another one.
 */
export async function checkRunning(io: Io, config: RelayConfig): Promise<Fault[]> {
  try {
    const client = await apiClient(io);
    const running = await ask<Running>(client, '/v1/destinations');
    const changes = changesTo(running, config);
    if (changes.length === 0) return [];
    const open = await openAt(client, running, new Set(changes.map((change) => change.name)));
    return changes.flatMap(({ name, path, what, hint }) => {
      const example = open.get(name);
      if (example === undefined) return [];
      const message = `${what}, and ${example} is still open there in the running relay: nobody would resolve it`;
      return [{ line: 1, column: 1, path, message, hint }];
    });
  } catch {
    return [];
  }
}

function changesTo({ relayId, destinations }: Running, config: RelayConfig): Change[] {
  const rekeyed = relayId !== undefined && relayId !== config.relayId;
  return destinations.flatMap(({ name, id = name, account = null, type }): Change[] => {
    // Built in: it stands in no file, and what is open there is nobody's news.
    if (name === CANARY_DESTINATION) return [];
    const kept = config.destinations.find((one) => one.id === id);
    const same = kept ?? config.destinations.find((one) => one.name === name);
    const until = 'until what is open there is resolved';
    const change = (what: string, hint: string): Change[] => [{ name, path: `destinations.${name}`, what, hint }];
    if (same === undefined)
      return change('is gone', `keep it with retired: true ${until}, or name it as id of another`);
    if (kept === undefined) return change('has another id, and so other vendor keys', `write id: ${id}`);
    const beside = `add the new one under another name, and keep this one ${until}`;
    if (kept.type !== type && type !== UNKNOWN_TYPE) return change(`was a ${type}`, beside);
    if (account !== null && account !== accountOf(kept)) return change('goes to another account or key', beside);
    return rekeyed ? change('has other vendor keys by another relayId', `write relayId: ${relayId}`) : [];
  });
}

/** As `/v1/destinations` says of those that the running config does not name any more. */
const UNKNOWN_TYPE = 'not in the config';

/** For each name the tracking ID or id of an incident that is open there, or how much waits for it. */
async function openAt(
  client: RelayClient,
  { destinations }: Running,
  names: ReadonlySet<string>,
): Promise<Map<string, string>> {
  const open = new Map<string, string>();
  let cursor = '';
  const end = performance.now() + LOOK_MS;
  for (let looked = 0; looked < INCIDENTS_MAX && open.size < names.size && performance.now() < end; looked += PAGE) {
    const path = `/v1/incidents?state=planned,active&limit=${PAGE}${cursor === '' ? '' : `&cursor=${cursor}`}`;
    const page = await ask<{ incidents: { id: string; trackingId: string | null }[]; next: string | null }>(
      client,
      path,
    );
    for (const { id, trackingId } of page.incidents) {
      const { deliveries } = await ask<{ deliveries: Delivery[] }>(client, `/v1/incidents/${id}/deliveries`);
      for (const one of deliveries)
        if (names.has(one.destination) && !open.has(one.destination) && wasPromised(one))
          open.set(one.destination, trackingId ?? id);
      if (open.size === names.size || performance.now() >= end) break;
    }
    if (page.next === null) break;
    cursor = page.next;
  }
  for (const { name, backlog } of destinations) {
    const waiting = WAITING.reduce((sum, state) => sum + (backlog[state] ?? 0), 0);
    if (names.has(name) && !open.has(name) && waiting > 0)
      open.set(name, waiting === 1 ? 'one delivery' : `one of ${waiting} deliveries`);
  }
  return open;
}

function wasPromised({ state, attempts }: Delivery): boolean {
  return WAITING.includes(state) || attempts.some(({ outcome }) => outcome === 'accepted' || outcome === 'unknown');
}

async function ask<T>(client: RelayClient, path: string): Promise<T> {
  return JSON.parse((await client.call({ path, timeoutMs: TIMEOUT_MS })).text) as T;
}
