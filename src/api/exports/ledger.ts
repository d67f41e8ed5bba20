/** Who was told what, in a few words for each destination. */
import type { DeliveryRow } from '#src/db/reads.ts';

export interface LedgerLine {
  destination: string;
  type: string;
  /** First accepted attempt; null where nothing has been accepted. */
  firstToldAt: string | null;
  lastToldAt: string | null;
  messages: number;
  failures: number;
  /** Told about everything, in words: `up to date`, `2 revisions behind: server-error`. */
  standing: string;
  /** The vendor's own words for the newest accepted attempt: a ticket number, a key, a message id. */
  receipt: string | null;
}

/** Condenses deliveries. Pure. */
export function ledgerOf(deliveries: readonly DeliveryRow[]): LedgerLine[] {
  return deliveries.map((delivery) => {
    const accepted = delivery.attempts.filter((attempt) => attempt.outcome === 'accepted');
    const times = accepted.map((attempt) => attempt.finishedAt ?? attempt.startedAt);
    // A change event has no key of its own: the receipt that names something is the one to look up.
    const receipts = accepted.flatMap((attempt) => (attempt.receipt ? [receiptWords(attempt.receipt)] : []));
    return {
      destination: delivery.destination,
      type: delivery.type,
      firstToldAt: times[0] ?? null,
      lastToldAt: times.at(-1) ?? null,
      messages: accepted.length,
      failures: delivery.attempts.filter((attempt) => attempt.outcome !== null && attempt.outcome !== 'accepted')
        .length,
      standing: standingOf(delivery),
      receipt: receipts.findLast((words) => words.includes(':')) ?? receipts.at(-1) ?? null,
    };
  });
}

function standingOf(delivery: DeliveryRow): string {
  const behind = delivery.wantedRevision - delivery.deliveredRevision;
  const why = delivery.reason === null ? '' : `: ${delivery.reason}`;
  if (delivery.state === 'failed') return `failed${why}`;
  if (delivery.state === 'suppressed') return `held back${delivery.heldBack ? ` ${delivery.heldBack}` : ''}${why}`;
  if (behind <= 0) return 'up to date';
  return `${behind} revision${behind === 1 ? '' : 's'} behind${why}`;
}

/** Long keys are shown by their beginning: enough to find them, short enough to read. */
const SHOWN_CHARS = 16;

/** `confirmed: INC0012345`, `accepted: dedupKey 1f3a9c2e7b40d1aa…`. */
export function receiptWords(receipt: Record<string, unknown>): string {
  const { level, status: _status, event: _event, url: _url, state: _state, ...rest } = receipt;
  const words = Object.entries(rest)
    .filter(([, value]) => value !== null && value !== '' && typeof value !== 'object')
    .map(([key, value]) => `${key} ${short(String(value))}`);
  return [typeof level === 'string' ? level : 'accepted', words.join(', ')].filter((part) => part !== '').join(': ');
}

function short(text: string): string {
  return text.length > SHOWN_CHARS * 2 ? `${text.slice(0, SHOWN_CHARS)}…` : text;
}
