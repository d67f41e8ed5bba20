/**
 * What is due at a standby destination: left to the peer for its grace, then asked for, then told or left out
 * (docs/adr/standby.md). Whatever fails here means that it is ours to tell (design 3.7).
 */
import type { Destination, RelayConfig } from '#src/config/types.ts';
import { newsOf } from '#src/core/standby.ts';
import type { DueDelivery } from '#src/db/due.ts';
import type { Peer, PeerAnswer, PeerAsk } from './peer.ts';

export interface StandingByOptions {
  config: RelayConfig;
  nowMs: number;
  /** Absent: there is none. */
  peer?: Pick<Peer, 'state' | 'ask'>;
  /** The peer was asked in vain: it has not told, and we do. */
  onUntold?(destination: string, incidents: string[]): void;
  onError(error: Error, context: Record<string, unknown>): void;
}

/** Revisions of one question, and questions of one call. */
const NEWS_MAX = 20;
const ASKS_MAX = 50;
/** Until the first look at the peer is over, or the next question has room; nothing is asked about more often. */
const SOON_MS = 500;
/** A database whose clock runs further ahead of ours says nothing about the age of news. */
const SKEW_MS = 5_000;

/** Fills in `standby` of each due row that may be left to the peer; does nothing for other destinations. */
export async function openStandby(
  target: Pick<Destination, 'name' | 'id' | 'standby'>,
  due: readonly DueDelivery[],
  options: StandingByOptions,
): Promise<void> {
  const { config, peer } = options;
  if (!target.standby || peer === undefined || config.peer === null || config.passThrough) return;
  try {
    const state = peer.state()?.is ?? 'missing';
    if (state === 'missing') return;
    const { graceMs } = config.peer;
    const asked: DueDelivery[] = [];
    for (const row of due.filter(mayWait)) {
      const untilMs = graceUntil(row, { nowMs: options.nowMs, graceMs });
      if (untilMs > options.nowMs) row.standby = { untilMs, settledTo: 0, accepted: false };
      else if (state === 'unknown' || asked.length === ASKS_MAX) row.standby = soon(options.nowMs);
      else asked.push(row);
    }
    if (asked.length > 0) await askAbout(target, asked, { ...options, peer, graceMs });
  } catch (error) {
    options.onError(error as Error, { what: 'standby', destination: target.name });
    for (const row of due) row.standby = null;
  }
}

/** What is open here is ours; what another destination of ours could not be told must not wait for anybody. */
function mayWait({ told, fallbackOf, passThrough, revisions }: DueDelivery): boolean {
  return told !== 'open' && fallbackOf === null && !passThrough && (revisions?.length ?? 0) > 0;
}

/**
 * The grace counts from the moment in which it could have been told here: after a silence or at the hour of a digest the
 * peer begins when we do. What has come since the last answer has a grace of its own.
 */
function graceUntil(row: DueDelivery, { nowMs, graceMs }: { nowMs: number; graceMs: number }): number {
  const recordedMs = Date.parse(row.revisions![0]!.recordedAt);
  const newsMs = recordedMs > nowMs + SKEW_MS ? 0 : recordedMs + graceMs;
  const leftMs = row.standbyUntil ? Date.parse(row.standbyUntil) : nowMs + graceMs;
  // Written by another process, whose clock may run ahead of ours.
  return Math.min(Math.max(newsMs, leftMs), nowMs + graceMs);
}

async function askAbout(
  target: Pick<Destination, 'name' | 'id'>,
  rows: readonly DueDelivery[],
  options: StandingByOptions & { peer: Pick<Peer, 'ask'>; graceMs: number },
): Promise<void> {
  const { peer, graceMs, nowMs } = options;
  const asks = rows.map(({ incident, revisions }): PeerAsk => ({
    identity: incident.identity,
    destination: target.id,
    news: revisions!.slice(0, NEWS_MAX).map(({ snapshot }) => newsOf(snapshot)),
  }));
  const answers = await peer.ask(asks);
  if (answers === 'stopping') return rows.forEach((row) => (row.standby = soon(nowMs)));
  const untold: string[] = [];
  rows.forEach((row, index) => {
    row.standby = verdict(row, answers?.[index], { nowMs, graceMs });
    if (row.standby === null) untold.push(row.incidentId);
  });
  if (untold.length > 0) options.onUntold?.(target.name, untold);
}

function verdict(
  row: DueDelivery,
  answer: PeerAnswer | undefined,
  { nowMs, graceMs }: { nowMs: number; graceMs: number },
): DueDelivery['standby'] {
  if (answer === undefined) return null;
  const { settled, accepted, held } = answer;
  const last = row.revisions![Math.min(settled, row.revisions!.length) - 1];
  if (last) return { untilMs: nowMs, settledTo: last.revision, accepted };
  return held ? { untilMs: nowMs + Math.max(graceMs, SOON_MS), settledTo: 0, accepted: false } : null;
}

function soon(nowMs: number): DueDelivery['standby'] {
  return { untilMs: nowMs + SOON_MS, settledTo: 0, accepted: false };
}
