/** Feeds what a pull found and we do not hold through the same fold as everything else, and notes why it was missing. */
import { spanOf, type GapCause } from '#src/core/gap.ts';
import type { AzureEvent } from '#src/core/gap-event.ts';
import { findMissing, type Missing, type MissingOptions } from '#src/core/gap-missing.ts';
import { serviceHealthIdentity } from '#src/core/identity.ts';
import type { Signal } from '#src/core/signal.ts';
import { addFinding, findHeardOf, findHeld, type Finding, type Gap, type HeldIncident } from '#src/db/gaps.ts';
import type { Queryable } from '#src/db/pools.ts';
import type { Pool } from 'pg';
import type { Ingest, SignalResult } from '../ingest.ts';
import { heldSignal, scopeSignal, updateSignal } from './signals.ts';

export interface FeedOptions {
  pool: Pool;
  ingest: Ingest;
  /** For the record and the metrics. */
  onStored: (signals: readonly Signal[], results: readonly SignalResult[]) => void;
  now: () => Date;
}

/** What all pulls of a round are compared by. */
export interface FeedSpan extends MissingOptions {
  /** Known spans, oldest first. */
  gaps: readonly Gap[];
  /** When the relay first existed: earlier posts are no gap. ISO 8601 UTC. */
  bornAt: string;
}

export type FeedInput = FeedSpan & { events: readonly AzureEvent[] };

/** Scope signals change no state, so they may share several transactions; posts of one incident share one. */
const CHUNK = 300;

/** Returns how many posts were missing. Rejects when the store refuses; what was stored until then stays. */
export async function feed(options: FeedOptions, input: FeedInput): Promise<number> {
  const groups = Map.groupBy(input.events, (event) => serviceHealthIdentity(event.trackingId));
  const held = new Map((await findHeld(options.pool, [...groups.keys()])).map((one) => [one.identity, one]));
  let found = 0;
  for (const [identity, events] of groups) {
    const incident = held.get(identity) ?? null;
    const missing = findMissing(events, incident, input);
    if (missing.updates.length + missing.subscriptions.length === 0) continue;
    found += await feedOne(options, input, { identity, incident, missing });
  }
  return found;
}

function feedOne(
  options: FeedOptions,
  input: FeedInput,
  { identity, incident, missing }: { identity: string; incident: HeldIncident | null; missing: Missing },
): Promise<number> {
  const receivedAt = options.now().toISOString();
  const posts = missing.updates.map(({ event, update }) => updateSignal(event, update, receivedAt));
  const base = baseOf(posts) ?? heldBase(incident, missing);
  const scopes = base === null ? [] : missing.subscriptions.map(({ event }) => scopeSignal(base, event));
  const told = missing.updates.map(({ event, update }) => ({ at: update.at, trackingId: event.trackingId }));
  const events = [...missing.updates, ...missing.subscriptions].map(({ event }) => event.subscription);
  const subscriptions = events.filter((id) => id !== null);
  return store(options, input, { identity, posts, scopes, told, subscriptions });
}

/** What is to be stored of one identity, and what a gap is to say of it. */
interface Found {
  identity: string;
  posts: readonly Signal[];
  scopes: readonly Signal[];
  /** The posts again, by their own times. */
  told: readonly { at: string; trackingId: string }[];
  /** Of posts and scopes. */
  subscriptions: readonly string[];
}

/** The post on which further subscriptions are told. */
export function baseOf(posts: readonly Signal[]): Signal | null {
  return posts.findLast((signal) => signal.phase !== 'note') ?? posts.at(-1) ?? null;
}

/** Posts and their gap in one transaction; returns how many of them nobody else has brought meanwhile. */
export async function store(options: FeedOptions, input: FeedSpan, found: Found): Promise<number> {
  const { posts, scopes } = found;
  const findings = await findingsOf(options, input, found);
  let fresh = 0;
  for (let at = 0; at === 0 || at < scopes.length; at += CHUNK) {
    const signals = [...(at === 0 ? posts : []), ...scopes.slice(at, at + CHUNK)];
    const results = await options.ingest.submitWith(signals, (db) =>
      at === 0 ? noteAll(db, findings) : Promise.resolve(),
    );
    options.onStored(signals, results);
    if (at === 0) fresh = results.slice(0, posts.length).filter((result) => result.outcome !== 'duplicate').length;
  }
  return fresh;
}

function heldBase(incident: HeldIncident | null, missing: Missing): Signal | null {
  const post = missing.subscriptions.find((one) => one.post !== null)?.post;
  return incident !== null && post ? heldSignal(incident, post) : null;
}

async function noteAll(db: Queryable, findings: readonly Finding[]): Promise<void> {
  for (const finding of findings) await addFinding(db, finding);
}

/** Posts by the span that explains them; without one, by whether their subscriptions ever told us anything. */
async function findingsOf(
  options: FeedOptions,
  { gaps, bornAt }: FeedSpan,
  { identity, told, subscriptions }: Found,
): Promise<Finding[]> {
  const named = [...new Set(subscriptions)];
  let heardOf: boolean | null = null;
  const found = new Map<string, Finding>();
  for (const { at, trackingId } of told) {
    if (at < bornAt) continue;
    const span = spanOf(gaps, at);
    heardOf ??= span !== null || (await findHeardOf(options.pool, named)).length > 0;
    const cause: GapCause = span?.cause ?? (heardOf ? 'not-delivered' : 'no-rule');
    const key = span?.key ?? `${cause}/${identity}`;
    const before = found.get(key);
    const { from, to } = span ?? { from: before?.from ?? at, to: at };
    found.set(key, {
      key,
      cause,
      from,
      to,
      found: (before?.found ?? 0) + 1,
      trackingId,
      subscriptions: named.length,
    });
  }
  return [...found.values()];
}
