/**
 * Reminders of deadlines: a note on the incident, told by its routes like any other news, and a page nowhere. What makes a reminder
 * the same is incident, date and days: its fingerprint keeps it single over replicas and restarts.
 */
import type { Pool } from 'pg';
import type { RelayConfig } from '#src/config/types.ts';
import { daysLeft, deadlineOf, reminderDue, type Deadline } from '#src/core/deadlines.ts';
import { blastRadius } from '#src/core/estate.ts';
import { hitsInWords, whyUnknown, type EstateView } from '#src/core/estate-facts.ts';
import { ownerOf } from '#src/core/estate-owners.ts';
import { LIMITS, safeLine } from '#src/core/safe.ts';
import { findStored, readDeadlines, type DeadlineRow } from '#src/db/deadlines.ts';
import type { Ingest } from './ingest.ts';
import { ownSignal } from './own-signal.ts';

export interface RemindOptions {
  pool: Pool;
  config(): RelayConfig;
  ingest: Pick<Ingest, 'submit'>;
  estate(): EstateView;
  now(): Date;
}

const OWNERS_MAX = 10;

export interface Reminder {
  /** Cheap to call every few seconds: it looks every ten minutes. */
  round(): Promise<void>;
}

const EVERY_MS = 10 * 60_000;
/** After a look that failed. */
const AGAIN_MS = 60_000;
/** At the start the estate is not read yet: a reminder has time, and is worth more with the names of what is ours. */
const PATIENCE_MS = 60_000;

/** Runs in every process that delivers. */
export function createReminder(options: RemindOptions): Reminder {
  const startMs = options.now().getTime();
  let nextMs = 0;
  return {
    async round() {
      const nowMs = options.now().getTime();
      const early = options.config().estate !== null && options.estate().index === null;
      if (nowMs < nextMs || (early && nowMs - startMs < PATIENCE_MS)) return;
      nextMs = nowMs + AGAIN_MS;
      await remind(options);
      nextMs = nowMs + EVERY_MS;
    },
  };
}

/** Sends what is due and was not sent. */
async function remind(options: RemindOptions): Promise<void> {
  const { remindDays } = options.config().deadlines;
  if (remindDays.length === 0) return;
  const at = options.now();
  const signals = (await readDeadlines(options.pool, { endedDays: 0 })).flatMap((row) => {
    const deadline = deadlineOf(row);
    if (deadline === null) return [];
    const due = reminderDue(deadline, { days: remindDays, knownSince: row.knownSince, nowMs: at.getTime() });
    if (due === null) return [];
    const { identity, kind, trackingId, severity } = row;
    const title = safeLine(reminderInWords(row, deadline, options), LIMITS.titleChars);
    const once = `deadline ${row.id} ${deadline.at} ${due}`;
    return [ownSignal({ identity, kind, trackingId, severity, title, phase: 'note', once, at })];
  });
  if (signals.length === 0) return;
  const stored = await findStored(
    options.pool,
    signals.map((signal) => signal.fingerprint),
  );
  const fresh = signals.filter((signal) => !stored.has(signal.fingerprint));
  if (fresh.length > 0) await options.ingest.submit(fresh);
}

/** `Deadline in 30 days, 2027-03-31. Our resources: 2 registries: acr-a, acr-b. Owners: payments.` */
function reminderInWords(row: DeadlineRow, deadline: Deadline, options: RemindOptions): string {
  const left = daysLeft(deadline, options.now().getTime());
  const what = row.kind === 'maintenance' ? 'Maintenance' : 'Deadline';
  const minute = row.kind === 'maintenance' ? ` ${deadline.at.slice(11, 16)} UTC` : '';
  const when = `${what} in ${left} day${left === 1 ? '' : 's'}, ${deadline.at.slice(0, 10)}${minute}.`;
  const { hits, owners, unknown } = stillThere(row, { config: options.config(), view: options.estate() });
  if (unknown !== null) return `${when} Our resources: unknown (${unknown}).`;
  const named = owners.slice(0, OWNERS_MAX).join(', ');
  const more = owners.length > OWNERS_MAX ? ` and ${owners.length - OWNERS_MAX} more` : '';
  return `${when} Our resources: ${hitsInWords(hits)}.${owners.length > 0 ? ` Owners: ${named}${more}.` : ''}`;
}

/** Resources of ours that it still reaches, and whose they are. */
export function stillThere(
  row: Pick<DeadlineRow, 'kind' | 'impacts' | 'subscriptions' | 'resources'>,
  { config, view }: { config: Pick<RelayConfig, 'owners'>; view: EstateView },
): { hits: ReturnType<typeof blastRadius>; owners: string[]; unknown: string | null } {
  const { index } = view;
  const hits = index === null ? [] : blastRadius(index, row);
  const rules = config.owners;
  const owners = rules === null || index === null ? [] : hits.map((hit) => ownerOf(hit.resource, rules, index));
  const named = [...new Set(owners.filter((owner) => owner !== null))].sort();
  return { hits, owners: named, unknown: whyUnknown(view, row) };
}
