/** What changed from one revision to the next: computed from the facts, never guessed from the text. */
import type { Standing } from './incident.ts';
import { severityRank, type Impact } from './signal.ts';

/** Sentences for people, times in UTC to the minute. Empty when nothing that a reader would act on has changed. */
export function describeChanges(before: Standing, after: Standing, added: { impacts: readonly Impact[] }): string[] {
  const changes: string[] = [];
  if (before.state !== after.state) changes.push(`State: ${before.state} → ${after.state}.`);
  else if (before.stage !== after.stage && after.stage)
    changes.push(`Stage: ${before.stage ?? 'none'} → ${after.stage}.`);
  if (severityRank(after.severity) > severityRank(before.severity)) {
    changes.push(`Severity raised: ${before.severity} → ${after.severity}.`);
  }
  moved(changes, 'Start of impact', before.startedAt, after.startedAt);
  moved(changes, 'Mitigation', before.mitigatedAt, after.mitigatedAt);
  moved(changes, 'Planned end', before.endsAt, after.endsAt);
  if (added.impacts.length > 0) {
    const pairs = added.impacts.slice(0, 10).map((i) => (i.region ? `${i.service} in ${i.region}` : i.service));
    const rest = added.impacts.length - pairs.length;
    changes.push(`Now also: ${pairs.join('; ')}${rest > 0 ? ` and ${rest} more` : ''}.`);
  }
  if (before.title !== after.title) changes.push(`Title: "${after.title}".`);
  return changes;
}

function moved(changes: string[], what: string, before: string | null, after: string | null): void {
  if (after === null || before === after) return;
  changes.push(before === null ? `${what}: ${minute(after)}.` : `${what} moved: ${minute(before)} → ${minute(after)}.`);
}

/** `2026-09-14 08:05 UTC` */
export function minute(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;
}
