/** One round of back-fill: note our gaps, ask Azure, feed what is missing. One replica at a time. */
import { setTimeout as sleep } from 'node:timers/promises';
import { listSubscriptions } from '#src/azure/estate-read.ts';
import { openSession, type AzureSession, type HeldOff } from '#src/azure/session.ts';
import type { TokenSource } from '#src/azure/token.ts';
import type { RelayConfig } from '#src/config/types.ts';
import { quietSpans } from '#src/core/gap.ts';
import { serviceHealthIdentity } from '#src/core/identity.ts';
import {
  aloneAmongReplicas,
  endRound,
  findHeld,
  listGaps,
  readBackfillState,
  readBeats,
  recordGap,
  startRound,
} from '#src/db/gaps.ts';
import type { HttpClient } from '#src/http/client.ts';
import { feedLogged, type ActivityLog, type Logged } from './activity-log.ts';
import { takeAzureLists, type Asked } from './azure-list.ts';
import { feed, type FeedOptions, type FeedSpan } from './feed.ts';
import { pullAll, pullChanged, type Pulled } from './pull.ts';

export interface RoundOptions extends FeedOptions {
  config: () => RelayConfig;
  /** Made anew when the config changes. */
  http: () => HttpClient;
  token: () => TokenSource;
  activityLog: ActivityLog;
  signal: AbortSignal;
  onCall: (outcome: string) => void;
  /** Who wants to be left alone; one for all of the process. */
  heldOff?: HeldOff;
  /** Whom Azure's own lists were asked of; one for all of the process. */
  listsAsked: Asked;
}

export interface Round {
  /** `full`: every subscription's own list; `quick`: one query, details where something is new. */
  kind: 'full' | 'quick';
  /** Looks back to here at least; always to the last whole round, less the lookback. ISO 8601 UTC. */
  since: string | null;
  /** Subscriptions that an earlier round has left; null: all. */
  only: readonly string[] | null;
  /** When that earlier round began, ISO 8601 UTC: together they have covered no more than what was published by then. */
  begunAt: string | null;
}

export interface RoundResult {
  kind: Round['kind'];
  calls: number;
  events: number;
  /** Communications in the activity log. */
  logged: number;
  found: number;
  subscriptions: number;
  /** For people: what could not be read, also what we may not read. */
  faults: string[];
  notes: string[];
  left: string[];
  begunAt: string;
  /** The next round has to look back as far as this one. */
  incomplete: boolean;
  /**
   * And is worth having soon. Never for the activity log alone, whose rows are minutes late anyway: while it wants to be
   * left alone for an hour, Resource Manager would be asked ten times as often as configured.
   */
  soon: boolean;
}

const LOCK = 'relay backfill';
/** Beats and gaps further back explain nothing that a round may find. */
const BEAT_DAYS = 30;
const GAPS_MAX = 200;
/** A query of Log Analytics takes a second or two. */
const LOG_WAIT_MS = 5_000;

/** Null when another replica is at it. Rejects when the database or everything of Azure is away. */
export async function runRound(options: RoundOptions, round: Round): Promise<RoundResult | null> {
  return aloneAmongReplicas(options.pool, LOCK, () => run(options, round));
}

async function run(options: RoundOptions, round: Round): Promise<RoundResult> {
  const { pool, signal } = options;
  const { azure, backfill } = options.config();
  if (azure === null || backfill === null) throw new Error('back-fill is not configured');
  const state = await readBackfillState(pool);
  // The database's clock throughout: one of ours that is ahead would leave out what is published until it is put right.
  const startedAt = await startRound(pool, round.kind);
  const { armUrl, callsMax } = azure;
  const session = openSession({
    armUrl,
    http: options.http(),
    token: options.token(),
    callsMax,
    signal,
    onCall: options.onCall,
    heldOff: options.heldOff,
  });
  const result: RoundResult = {
    kind: round.kind,
    calls: 0,
    events: 0,
    logged: 0,
    found: 0,
    subscriptions: 0,
    faults: [],
    notes: [],
    left: [],
    begunAt: round.begunAt ?? startedAt,
    incomplete: false,
    soon: false,
  };
  try {
    const bornAt = await noteSpans(options);
    const covered = [startedAt, state?.coveredUntil ?? startedAt, state?.okAt ?? startedAt].sort()[0]!;
    const usual = Date.parse(covered) - backfill.lookbackMs;
    const since = new Date(Math.min(usual, Date.parse(round.since ?? '') || Infinity)).toISOString();
    const reading = options.activityLog.read({ since, to: startedAt }, signal);
    // It is awaited below, perhaps after a pull that fails.
    reading.catch(() => undefined);
    const pulled = await pull(options, { session, round, since }).catch((error: unknown) => error as Error);
    const graceMs = round.kind === 'quick' ? backfill.graceMs : 0;
    const notAfter = new Date(Date.parse(startedAt) - graceMs).toISOString();
    const gaps = (await listGaps(pool, GAPS_MAX))
      .filter((gap) => gap.cause !== 'no-rule' && gap.cause !== 'not-delivered')
      .toReversed();
    const input: FeedSpan = { gaps, bornAt, since, notAfter };
    // First, for it has ids and stages of its own; but the others' news do not wait for it.
    const first = pulled instanceof Error || (await isSettled(reading, LOG_WAIT_MS));
    if (first) await takeLogged(options, { reading, input, result });
    if (pulled instanceof Error) throw pulled;
    result.found += await feed(options, { events: pulled.events, ...input });
    const { listsAsked } = options;
    const lists = await takeAzureLists(options, { session, subscriptions: pulled.listed, asked: listsAsked });
    result.faults.push(...pulled.faults, ...lists.faults);
    result.incomplete ||= pulled.incomplete;
    result.soon = pulled.incomplete;
    const { left, asked } = pulled;
    const notes = [...pulled.notes, ...lists.notes];
    Object.assign(result, { events: pulled.events.length, subscriptions: asked, notes, left });
    if (!first) await takeLogged(options, { reading, input, result });
  } catch (error) {
    result.incomplete = true;
    result.faults.push((error as Error).message);
    throw error;
  } finally {
    result.calls += session.calls;
    await endRound(pool, { ...result, coveredUntil: result.incomplete ? null : result.begunAt });
  }
  return result;
}

/** Holes between beats become gaps. Returns since when there is a relay. */
async function noteSpans({ pool, now }: RoundOptions): Promise<string> {
  const beats = await readBeats(pool, BEAT_DAYS);
  for (const span of quietSpans(beats)) await recordGap(pool, { ...span, key: `quiet/${span.from}` });
  return beats[0]?.firstAt ?? now().toISOString();
}

type PulledRound = Pulled & {
  /** Subscriptions that were looked at. */
  asked: number;
  /** Those that queries name; null: all that the identity can see. */
  listed: readonly string[] | null;
};

async function pull(
  options: RoundOptions,
  { session, round, since }: { session: AzureSession; round: Round; since: string },
): Promise<PulledRound> {
  const configured = options.config().azure!.subscriptions;
  const listed = configured === 'all' ? null : configured;
  const subscriptions = round.only ?? listed ?? (await listSubscriptions(session));
  const held = async (trackingIds: readonly string[]) => {
    const found = await findHeld(options.pool, trackingIds.map(serviceHealthIdentity));
    return new Map(found.map((incident) => [(incident.trackingId ?? '').toLowerCase(), incident.posts]));
  };
  const asked = { session, subscriptions, all: listed === null, since, held };
  const pulled = await (round.kind === 'full' ? pullAll : pullChanged)(asked);
  return { ...pulled, asked: subscriptions.length, listed };
}

async function isSettled(work: Promise<unknown>, withinMs: number): Promise<boolean> {
  const settled = work.then(
    () => true,
    () => true,
  );
  return Promise.race([settled, sleep(withinMs, false, { ref: false })]);
}

/** Nothing that goes wrong here, not even a bug, keeps the other pulls from their work. */
async function takeLogged(
  options: RoundOptions,
  { reading, input, result }: { reading: Promise<Logged>; input: FeedSpan; result: RoundResult },
): Promise<void> {
  try {
    const { rows, calls, faults, incomplete } = await reading;
    result.calls += calls;
    result.logged = rows.length;
    result.faults.push(...faults);
    result.incomplete ||= incomplete;
    const { found, unread } = await feedLogged(options, { rows, ...input });
    result.found += found;
    if (unread > 0) result.faults.push(`${unread} rows of the activity log name no tracking ID`);
  } catch (error) {
    result.incomplete = true;
    result.faults.push(`the activity log could not be compared (${(error as Error).message})`);
  }
}
