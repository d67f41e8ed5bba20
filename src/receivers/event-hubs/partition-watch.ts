/** How far a partition is read and how far it reaches; when it stands still (demands 35: consumers that stop on one partition). */
import type { StartPosition } from './checkpoint-store.ts';

/** One partition that this process reads. Times are milliseconds of our clock. */
export interface WatchedPartition {
  readonly id: string;
  /** Sequence number of the last durable event; null before the first. */
  position: number | null;
  /** When that event was put into the hub. */
  positionAt: number | null;
  /** Oldest and newest sequence number in the hub, as last heard. */
  begin: number;
  end: number | null;
  /** When we last knew that nothing was left to read. */
  levelAt: number;
  /** When it last moved or was level. */
  progressAt: number;
  /** Why a batch waits to be stored; null while none does. */
  waiting: string | null;
  /** A batch is in hand. */
  busy: boolean;
}

export interface PartitionState {
  id: string;
  sequenceNumber: number | null;
  /** Events that are in the hub and not yet durable here. */
  lag: number;
  /** At most how long the oldest of them has been in the hub. */
  lagAgeS: number;
  lastProgressAt: string;
  waiting: string | null;
}

/** Watching starts here. */
export function watchPartition(id: string, start: StartPosition | null, nowMs: number): WatchedPartition {
  return {
    id,
    position: start?.sequenceNumber ?? null,
    positionAt: start?.enqueuedAt ? Date.parse(start.enqueuedAt) : null,
    begin: 0,
    end: null,
    levelAt: start ? 0 : nowMs,
    progressAt: nowMs,
    waiting: null,
    busy: false,
  };
}

/** Events between the position and the end. */
export function lagOf({ position, begin, end }: WatchedPartition): number {
  return end === null ? 0 : Math.max(0, end - Math.max(position ?? begin - 1, begin - 1));
}

/** Notes that everything up to an event is durable. */
export function noteProgress(
  partition: WatchedPartition,
  event: { sequenceNumber: number; enqueuedTimeUtc: Date },
  nowMs: number,
): void {
  partition.position = event.sequenceNumber;
  partition.positionAt = event.enqueuedTimeUtc.getTime();
  partition.progressAt = nowMs;
  partition.end = Math.max(partition.end ?? -1, event.sequenceNumber);
}

/**
 * Events that retention has removed before we read them, told by the first event after the gap: numbers of a partition
 * have no holes. 0 where there is no gap, or where {@link noteEnds} has told it.
 */
export function gapBefore(partition: WatchedPartition, sequenceNumber: number): number {
  if (partition.position === null || sequenceNumber <= partition.position + 1) return 0;
  if (partition.begin >= sequenceNumber) return 0;
  partition.begin = sequenceNumber;
  return sequenceNumber - partition.position - 1;
}

export interface HubEnds {
  beginningSequenceNumber: number;
  lastEnqueuedSequenceNumber: number;
}

export type Finding =
  | { kind: 'fine' }
  /** The hub ends before our position: it was deleted and made anew, and its numbers start again. */
  | { kind: 'recreated'; position: number }
  /** Retention has removed events that we had not read. */
  | { kind: 'expired'; events: number };

/** Takes in what the hub says. `before` is the position when the question was sent: it may have moved since. */
export function noteEnds(
  partition: WatchedPartition,
  ends: HubEnds,
  { before, nowMs }: { before: number | null; nowMs: number },
): Finding {
  if (before !== null && ends.lastEnqueuedSequenceNumber < before) return { kind: 'recreated', position: before };
  const lost = before === null ? 0 : ends.beginningSequenceNumber - before - 1;
  const isNews = ends.beginningSequenceNumber > partition.begin;
  partition.begin = ends.beginningSequenceNumber;
  partition.end = Math.max(ends.lastEnqueuedSequenceNumber, partition.position ?? -1);
  if (lagOf(partition) === 0) {
    partition.levelAt = nowMs;
    partition.progressAt = nowMs;
  }
  return lost > 0 && isNews ? { kind: 'expired', events: lost } : { kind: 'fine' };
}

/** True when it has lag, nothing in hand, and has not moved for so long. */
export function isStalled(partition: WatchedPartition, nowMs: number, stallMs: number): boolean {
  return lagOf(partition) > 0 && !partition.busy && nowMs - partition.progressAt > stallMs;
}

/** For readiness, metrics and the page of sources. */
export function partitionState(partition: WatchedPartition, nowMs: number): PartitionState {
  const lag = lagOf(partition);
  // The oldest unread event came after the last one read, and after we were last level.
  const since = Math.max(partition.positionAt ?? 0, partition.levelAt);
  return {
    id: partition.id,
    sequenceNumber: partition.position,
    lag,
    lagAgeS: lag === 0 ? 0 : Math.max(0, Math.round((nowMs - since) / 1000)),
    lastProgressAt: new Date(partition.progressAt).toISOString(),
    waiting: partition.waiting,
  };
}
