/** A stored signal, read once more from its kept body by the parser of this release. */
import type { EventUpdate, AzureEvent } from '#src/core/gap-event.ts';
import type { Signal } from '#src/core/signal.ts';
import type { PastSignal } from '#src/db/past-signals.ts';
import { loggedSignal } from '#src/pipeline/backfill/logged-signal.ts';
import { updateSignal } from '#src/pipeline/backfill/signals.ts';
import { ownSignal } from '#src/pipeline/own-signal.ts';
import { readSignals } from '#src/receivers/read.ts';

/** Why a stored signal is not replayed. */
export type Skipped =
  /** Retention has removed its body. */
  | 'bodiless'
  /** News that the relay had of itself: evidence, a destination that was not reached. It would have had other news. */
  | 'own'
  /** The body is kept in a form that cannot be read back. */
  | 'unreadable';

/** The signals in a stored body, mostly one. `subscription` is the one to assume where the body names none. */
export function reread(row: PastSignal, subscription: string | null): Signal[] | Skipped {
  if (row.schema === 'relay') return ownAgain(row) ?? 'own';
  if (row.raw === null) return 'bodiless';
  try {
    const value: unknown = JSON.parse(row.raw);
    const { source, receivedAt } = row;
    const signals =
      row.schema === 'backfill'
        ? pulledAgain(value, row)
        : readSignals(value, { source, subscription, receivedAt, door: 'webhook' });
    // Of the body as it came: what is kept lacks the fields that are never kept, and two could look the same.
    return signals.length === 1 ? [{ ...signals[0]!, fingerprint: row.fingerprint }] : signals;
  } catch {
    return 'unreadable';
  }
}

/** The end by age is part of the story; notes are not. */
function ownAgain({ outcome, identity, kind, severity, ...row }: PastSignal): Signal[] | null {
  if (outcome !== 'resolved' || identity === null || kind === null || severity === null) return null;
  const { trackingId, title, fingerprint } = row;
  const at = new Date(row.occurredAt);
  return [ownSignal({ identity, kind, severity, trackingId, title, phase: 'close', once: fingerprint, at })];
}

/**
 * Back-fill keeps the event and one update of it, not whether that was the event's last and so its end: the fingerprint
 * tells, for the stage is part of it. One that added nothing then adds nothing now. Throws for what back-fill keeps beside
 * updates (growth of the scope): its fingerprint is another one.
 */
function pulledAgain(value: unknown, { outcome, receivedAt, fingerprint }: PastSignal): Signal[] {
  const { event, update } = value as { event?: Omit<AzureEvent, 'updates'>; update: EventUpdate };
  // What the activity log brought is kept as its record, and names its stage itself.
  const readings = event
    ? [[update], []].map((updates) => updateSignal({ ...event, updates }, update, receivedAt))
    : [loggedSignal(value, receivedAt)];
  const signal = readings.find((reading) => reading?.fingerprint === fingerprint);
  if (!signal) throw new Error('no update');
  return outcome === 'duplicate' || (outcome === 'noted' && signal.phase !== 'note') ? [] : [signal];
}
