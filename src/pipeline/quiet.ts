/** What keeps quiet now, and what lets it speak again: silences, and the switch over all holding back (design 3.7). */
import { setImmediate } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { RelayConfig } from '#src/config/types.ts';
import type { EstateView } from '#src/core/estate-facts.ts';
import type { Match } from '#src/core/route-condition.ts';
import { concerns, covers, minuteInWords, isInForce, matchInWords } from '#src/core/silence.ts';
import { readTurns, releaseAll, turnPassThrough, type Turn } from '#src/db/pass-through.ts';
import {
  addSilence,
  announceSilence,
  countSilenced,
  endSilence,
  findOpenForSilences,
  listSilences,
  releaseSilenced,
  type OpenForSilences,
  type SilenceRow,
} from '#src/db/silences.ts';
import { newId } from '#src/ids.ts';
import { factsAt } from './silence-of.ts';

export interface QuietOptions {
  pool: Pool;
  config: () => RelayConfig;
  estate?: () => EstateView;
  now: () => Date;
}

/** A silence, wherever it was set. */
export interface SilenceState extends SilenceRow {
  /** `config`: it goes by taking it out of `relay.yaml`. */
  origin: 'call' | 'config';
}

export interface PassThroughState {
  on: boolean;
  /** The config turns it on; a call cannot turn it off then. */
  configured: boolean;
  /** The last turn by call; null where there was none. */
  turn: Turn | null;
}

/** At most this many that are not over: each look for what is due reads those in force. */
export const SILENCES_MAX = 100;

/** Silences of the config and by call, those that are not over first. `over`: also what has ended, 200 at most. */
export async function silenceStates(
  { pool, config, now }: Pick<QuietOptions, 'pool' | 'config' | 'now'>,
  { over = false }: { over?: boolean } = {},
): Promise<SilenceState[]> {
  const [stored, held] = await Promise.all([listSilences(pool, { over, limit: 200 }), countSilenced(pool)]);
  const nowMs = now().getTime();
  const configured = config().silences.map(
    ({ id, match, destinations, author, reason, fromMs, untilMs }): SilenceState => ({
      id,
      match,
      destinations: destinations === null ? null : [...destinations],
      author,
      reason,
      from: new Date(fromMs).toISOString(),
      until: new Date(untilMs).toISOString(),
      createdAt: null,
      endedAt: null,
      endedBy: null,
      held: held.get(id) ?? 0,
      state: untilMs <= nowMs ? 'over' : isInForce({ fromMs, untilMs }, nowMs) ? 'active' : 'ahead',
      origin: 'config',
    }),
  );
  const all = [...stored.map((row): SilenceState => ({ ...row, origin: 'call' })), ...configured];
  const rank = { active: 0, ahead: 1, over: 2 };
  return all.filter((one) => over || one.state !== 'over').toSorted((a, b) => rank[a.state] - rank[b.state]);
}

/** How the switch stands: by the config or by the last call. */
export async function passThroughState({
  pool,
  config,
}: Pick<QuietOptions, 'pool' | 'config'>): Promise<PassThroughState> {
  const [turn = null] = await readTurns(pool, 1);
  const { passThrough } = config();
  return { on: passThrough || turn?.on === true, configured: passThrough, turn };
}

/** `turned on by ops at 2026-11-24 21:00 UTC (reason)`. */
export function passThroughInWords({ turn }: PassThroughState): string {
  if (turn?.on !== true) return 'turned on by the config';
  return `turned on by ${turn.author} at ${minuteInWords(Date.parse(turn.at))}${turn.reason === '' ? '' : ` (${turn.reason})`}`;
}

export interface QuietNow {
  /** In force. */
  silences: SilenceState[];
  passThrough: PassThroughState;
}

/** What keeps quiet at the moment, and whether the switch is on. */
export async function readQuiet(options: Pick<QuietOptions, 'pool' | 'config' | 'now'>): Promise<QuietNow> {
  const [silences, passThrough] = await Promise.all([silenceStates(options), passThroughState(options)]);
  return { silences: silences.filter((one) => one.state === 'active'), passThrough };
}

export interface SilenceWish {
  match: Match;
  destinations: readonly string[] | null;
  author: string;
  reason: string;
  from: string | null;
  until: string;
}

/**
 * Sets a silence and notes it on the timelines of the open incidents that it covers. `too-many`: {@link SILENCES_MAX}
 * are not over; `over`: its end is not ahead by the database's clock.
 */
export async function setSilence(
  options: QuietOptions,
  wish: SilenceWish,
): Promise<{ silence: SilenceState; covered: string[] } | 'too-many' | 'over'> {
  const { pool } = options;
  if ((await listSilences(pool, { over: false, limit: SILENCES_MAX })).length >= SILENCES_MAX) return 'too-many';
  const row = await addSilence(pool, { ...wish, id: newId('sil') });
  if (row === null) return 'over';
  const covered = row.state === 'active' ? await coveredBy(row, await findOpenForSilences(pool), options) : [];
  if (covered.length > 0) {
    const { id, author, reason, until, destinations } = row;
    const who = destinations === null ? '' : ` for ${destinations.join(', ')}`;
    const summary = `Silence by ${author}${who} until ${minuteInWords(Date.parse(until))}${reason === '' ? '' : ` (${reason})`}`;
    await announceSilence(pool, covered, {
      summary,
      data: { decision: 'silence', silence: id, author, reason, until, destinations, match: matchInWords(row.match) },
    });
  }
  return { silence: { ...row, origin: 'call' }, covered };
}

/** Open incidents that a silence covers for at least one destination that was promised them. */
async function coveredBy(
  silence: Pick<SilenceRow, 'match' | 'destinations'>,
  open: readonly OpenForSilences[],
  { config, estate }: QuietOptions,
): Promise<string[]> {
  const now = { config: config(), estate: estate?.() };
  const covered: string[] = [];
  for (const [index, incident] of open.entries()) {
    // A thousand incidents of a hundred subscriptions take a second, in which nothing else would be answered.
    if (index % 10 === 9) await setImmediate();
    const names = incident.destinations.filter((name) => concerns(silence, name));
    if (names.some((name) => covers(silence.match, factsAt(name, incident, { ...now, scope: incident }))))
      covered.push(incident.id);
  }
  return covered;
}

/** Lifts a silence that was set by call. Returns the destinations to ring for; null where there is none to lift. */
export function liftSilence(
  { pool }: Pick<QuietOptions, 'pool'>,
  id: string,
  author: string,
): Promise<string[] | null> {
  return endSilence(pool, id, author);
}

/**
 * Turns the switch. On: everything that is held back or waits for its policy's time is due at once.
 * @returns the destinations to ring for
 */
export async function setPassThrough(
  options: Pick<QuietOptions, 'pool' | 'config'>,
  turn: Omit<Turn, 'at'>,
): Promise<{ state: PassThroughState; changed: boolean; destinations: string[] }> {
  const changed = await turnPassThrough(options.pool, turn);
  const state = await passThroughState(options);
  return { state, changed, destinations: state.on ? await releaseAll(options.pool, releasedBy(state)) : [] };
}

/**
 * One look of the upkeep: releases what nothing holds any more. Catches what was held in the moment in which the switch
 * was turned or the silence lifted, and every change of the config.
 * @returns the destinations to ring for
 */
export async function releaseQuiet({
  pool,
  config,
  now,
}: Pick<QuietOptions, 'pool' | 'config' | 'now'>): Promise<string[]> {
  const state = await passThroughState({ pool, config });
  if (state.on) return releaseAll(pool, releasedBy(state));
  const nowMs = now().getTime();
  const inForce = config().silences.filter((silence) => isInForce(silence, nowMs));
  return releaseSilenced(
    pool,
    inForce.map((silence) => silence.id),
  );
}

/** Who turned it on and when, for the timelines of what it lets through. */
function releasedBy(state: PassThroughState): { summary: string; data: Record<string, unknown> } {
  const by = state.turn?.on === true ? state.turn : null;
  const { author = 'the config', reason = '', at: since = null } = by ?? {};
  return {
    summary: `Pass-through ${passThroughInWords(state)}: nothing is held back, what waited is told now`,
    data: { decision: 'pass-through', author, reason, since, configured: state.configured },
  };
}
