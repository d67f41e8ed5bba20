/** Asks Azure for events: whole (every subscription's own list) or quick (one query, details only where something is new). */
import { getEvent, listEvents, queryEvents } from '#src/azure/events.ts';
import { AzureError, BudgetError, type AzureSession } from '#src/azure/session.ts';
import { postHash } from '#src/core/fingerprint.ts';
import type { AzureEvent } from '#src/core/gap-event.ts';
import type { Post } from '#src/core/incident.ts';

export interface PullOptions {
  session: AzureSession;
  subscriptions: readonly string[];
  /** Whether Resource Graph is asked without naming subscriptions. */
  all: boolean;
  /** ISO 8601 UTC. */
  since: string;
  /** Posts that we hold under each of these tracking IDs, by lower-cased tracking ID. */
  held: (trackingIds: readonly string[]) => Promise<ReadonlyMap<string, readonly Post[]>>;
}

export interface Pulled {
  events: AzureEvent[];
  /** What could not be asked, in words. */
  faults: string[];
  /** What may be there the next time was not: the round does not count as whole. What we may not read stays unread. */
  incomplete: boolean;
  /** Notes that are no faults: what the identity may not see. */
  notes: string[];
  /** Subscriptions that were not asked for want of budget. */
  left: string[];
}

const AT_ONCE = 4;

/** The events lists of the tenant and of every subscription. One subscription that fails does not stop the others. */
export async function pullAll(options: PullOptions): Promise<Pulled> {
  const { session, subscriptions, since } = options;
  const pulled = await pullTenant(options);
  const queue = [...subscriptions];
  const refused: string[] = [];
  const failed: string[] = [];
  const strangers: string[] = [];
  // The list of all was answered, or the tenant was: the token is good.
  let trusted = options.all || pulled.notes.length + pulled.faults.length === 0;
  let why = '';
  const worker = async (): Promise<void> => {
    for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
      try {
        pulled.events.push(...(await listEvents(session, id, since)));
        trusted = true;
      } catch (error) {
        if (error instanceof BudgetError) pulled.left.push(id);
        else if (!(error instanceof AzureError)) throw error;
        else {
          const { status } = error;
          (status === 401 ? strangers : status === 403 || status === 404 ? refused : failed).push(id);
          why = error.message;
        }
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  // A token that others take is not wrong: the subscription has moved to another tenant. Else no round would be whole again.
  (trusted ? refused : failed).push(...strangers);
  if (refused.length > 0)
    pulled.faults.push(
      `${refused.length} of ${subscriptions.length} subscriptions may not be read (${why}): ${some(refused)}`,
    );
  if (failed.length > 0)
    pulled.faults.push(
      `${failed.length} of ${subscriptions.length} subscriptions could not be read (${why}): ${some(failed)}`,
    );
  if (pulled.left.length > 0)
    pulled.faults.push(
      `${pulled.left.length} of ${subscriptions.length} subscriptions were left for the next round: the budget of calls is used up`,
    );
  pulled.incomplete ||= failed.length > 0 || pulled.left.length > 0;
  return pulled;
}

/**
 * One query of Resource Graph for what has changed in all subscriptions; the events API only for the history of events
 * that have news. 500 subscriptions cost a call or two this way, and not 500. Falls back to {@link pullAll}.
 */
export async function pullChanged(options: PullOptions): Promise<Pulled> {
  const { session, subscriptions, all, since, held } = options;
  let rows: AzureEvent[];
  try {
    rows = await queryEvents(session, { subscriptions: all ? null : subscriptions, since });
  } catch (error) {
    if (!(error instanceof AzureError)) throw error;
    const pulled = await pullAll(options);
    return {
      ...pulled,
      notes: [...pulled.notes, `Resource Graph could not be asked (${error.message}): every subscription was`],
    };
  }
  const pulled = await pullTenant(options);
  const groups = Map.groupBy(rows, (event) => event.trackingId.toLowerCase());
  const posts = await held([...groups.keys()]);
  for (const [id, events] of groups) {
    const known = posts.get(id);
    if (known && events.every((event) => event.updatedAt < since && nothingNew(event, known))) {
      pulled.events.push(...events);
      continue;
    }
    try {
      const detail = await history(session, events);
      pulled.events.push(
        ...(detail === null ? events : events.map((event) => ({ ...event, updates: detail.updates }))),
      );
    } catch (error) {
      if (!(error instanceof AzureError)) throw error;
      pulled.incomplete = true;
      pulled.faults.push(
        `the history of ${id.toUpperCase()} could not be read (${error.message}): its newest text was taken`,
      );
      pulled.events.push(...events);
    }
  }
  return pulled;
}

/** What is in the tenant's own list stands in no subscription's and in no table of Resource Graph (demands 3). */
async function pullTenant({ session, since }: PullOptions): Promise<Pulled> {
  const pulled: Pulled = { events: [], faults: [], incomplete: false, notes: [], left: [] };
  try {
    pulled.events.push(...(await listEvents(session, null, since)));
  } catch (error) {
    if (!(error instanceof AzureError)) throw error;
    // Reading a tenant's events needs a role of the tenant that few relays have.
    const refused = error.status === 401 || error.status === 403 || error.status === 404;
    pulled.incomplete = !refused;
    (refused ? pulled.notes : pulled.faults).push(`events of the tenant could not be read (${error.message})`);
  }
  return pulled;
}

async function history(session: AzureSession, events: readonly AzureEvent[]): Promise<AzureEvent | null> {
  // A few tries: a subscription may be gone, or closed to us.
  for (const { subscription, trackingId } of events.slice(0, 3)) {
    try {
      const found = await getEvent(session, subscription, trackingId);
      if (found !== null) return found;
    } catch (error) {
      if (!(error instanceof AzureError) || (error.status !== 401 && error.status !== 403)) throw error;
    }
  }
  return null;
}

/**
 * Every text of the row is held, and nothing was published after it. A row has the newest text only: whether one before it
 * is missing shows in the history alone, so this decides nothing of what was published within the span looked at.
 */
function nothingNew(event: AzureEvent, posts: readonly Post[]): boolean {
  const last = posts.at(-1);
  if (!last) return false;
  const texts = event.updates.every(({ html }) => posts.some((post) => postHash(post.stage, html) === post.hash));
  return texts && Date.parse(event.updatedAt) - Date.parse(last.at) <= 120_000;
}

function some(ids: readonly string[]): string {
  return ids.slice(0, 3).join(', ') + (ids.length > 3 ? ', ...' : '');
}
