/** The answer of `relay replay --from` for people. */
import { counted } from './words.ts';
import { plain, table } from '../table.ts';
import type { Telling } from './tellings.ts';
import type { WhatIf } from './what-if.ts';

/** Rows of one table; the whole is in `--json`. */
const ROWS_MAX = 200;

/** What is different, then how much is not. `all` shows that as well. */
export function whatIfText(found: WhatIf, { today, next, all }: { today: string; next: string; all: boolean }): string {
  const { added, gone, same } = found;
  const parts = [
    headText(found),
    section(`ADDED by ${next}`, added, (one) => one.because),
    section(`GONE with ${next}`, gone, (one) => one.because),
    ...(all ? [section('SAME', same, () => [])] : []),
    `${counted(added.length, 'message')} added, ${gone.length} gone, ${same.length} the same as with ${today}. Nothing was sent.\n`,
  ];
  return parts.filter((part) => part !== '').join('\n');
}

function headText(found: WhatIf): string {
  const { from, to, signals, skipped, incomplete, readDifferently, estateUnknown } = found;
  const before = signals.before === 0 ? '' : `, with ${signals.before} before it that belong to them`;
  const lines = [
    `${minute(from)} to ${minute(to)} UTC: ${counted(signals.inSpan, 'signal')} of ${counted(found.incidents, 'incident')}${before}`,
  ];
  if (skipped.bodiless > 0)
    lines.push(`${counted(skipped.bodiless, 'signal')} left out: the body is gone (retention.raw)`);
  if (skipped.unreadable > 0)
    lines.push(`${counted(skipped.unreadable, 'signal')} left out: the body cannot be read back`);
  if (incomplete > 0) lines.push(`${counted(incomplete, 'incident')} incomplete for that reason`);
  if (skipped.own > 0) lines.push(`${counted(skipped.own, 'note')} of the relay itself left out (evidence, fallback)`);
  if (readDifferently > 0)
    lines.push(`${counted(readDifferently, 'signal')} read as another incident than when they came`);
  if (estateUnknown) lines.push('the estate is not known here: what routes ask of it holds, under both configs');
  return `${lines.join('\n')}\n`;
}

function section<T extends Telling>(title: string, tellings: readonly T[], because: (one: T) => string[]): string {
  if (tellings.length === 0) return '';
  const rows = tellings
    .slice(0, ROWS_MAX)
    .map((one) => [
      minute(one.at, 19),
      one.destination,
      one.action,
      plain(one.headline),
      one.why,
      because(one).join('; '),
    ]);
  const explains = rows.some((row) => row[5] !== '');
  const header = ['AT (UTC)', 'DESTINATION', 'ACTION', 'INCIDENT', 'BY', ...(explains ? ['NOT IN THE OTHER'] : [])];
  const more = tellings.length - rows.length;
  const body = table(header, explains ? rows : rows.map((row) => row.slice(0, 5)));
  return `${title}\n${body}${more > 0 ? `and ${more} more: --json has them all\n` : ''}`;
}

function minute(at: string, chars = 16): string {
  return at.slice(0, chars).replace('T', ' ');
}
