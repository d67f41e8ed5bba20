/** What changed from one revision to the next: computed from the facts, never guessed from the text. */
import { sha256Hex } from './fingerprint.ts';
import type { Said, Standing } from './incident.ts';
import { impactKey, severityRank, type Impact } from './signal.ts';
import { normaliseText } from './text.ts';

/** What one communication adds to the one before, or leaves out. */
export interface SaidDiff {
  /** Named before and no longer; empty where that cannot be told. */
  gone: Impact[];
  /** Sentences that the one before did not hold. */
  added: string[];
  /** Not one sentence of the one before is left. */
  rewritten: boolean;
}

/** Real posts have some 40 sentences; beyond this the rest is not compared. */
const SENTENCES_MAX = 200;
const QUOTED_MAX = 2;
const QUOTED_CHARS_MAX = 200;
const NAMED_MAX = 10;

/** Notes what a communication said. `text` is plain text. */
export function saidOf(post: { impacts: readonly Impact[]; text: string }): Said {
  return {
    impacts: [...post.impacts],
    mixed: false,
    sentences: sentencesOf(post.text).map((sentence) => shortHash(sentence)),
  };
}

/** The same communication through two subscriptions or channels. The first argument's words are kept. */
export function mergeSaid(kept: Said | undefined, other: Said | undefined): Said | undefined {
  if (!kept || !other) return kept ?? other;
  return { ...kept, mixed: kept.mixed || other.mixed || !sameImpacts(kept.impacts, other.impacts) };
}

/** Compares a communication with the one before it. */
export function compareSaid(before: Said, now: { impacts: readonly Impact[]; text: string }): SaidDiff {
  const known = new Set(before.sentences);
  const sentences = sentencesOf(now.text);
  const added = sentences.filter((sentence) => !known.has(shortHash(sentence)));
  // A post without a list of impacts has not taken any back.
  const comparable = !before.mixed && now.impacts.length > 0;
  const gone = comparable ? before.impacts.filter((impact) => !now.impacts.some((i) => sameImpact(i, impact))) : [];
  return {
    gone,
    added: before.sentences.length === 0 ? [] : added,
    rewritten: before.sentences.length > 0 && sentences.length > 1 && added.length === sentences.length,
  };
}

/** Sentences for people, times in UTC to the minute. Empty when nothing that a reader would act on has changed. */
export function describeChanges(
  before: Standing,
  after: Standing,
  added: { impacts: readonly Impact[]; said?: SaidDiff | null },
): string[] {
  const changes: string[] = [];
  if (before.state !== after.state) changes.push(`State: ${before.state} → ${after.state}.`);
  else if (before.stage !== after.stage && after.stage)
    changes.push(`Stage: ${before.stage ?? 'none'} → ${after.stage}.`);
  if (severityRank(after.severity) > severityRank(before.severity)) {
    changes.push(`Severity raised: ${before.severity} → ${after.severity}.`);
  }
  const start = after.state === 'planned' ? 'Planned start' : 'Start of impact';
  moved(changes, start, before.startedAt, after.startedAt);
  moved(changes, 'Mitigation', before.mitigatedAt, after.mitigatedAt);
  moved(changes, 'Planned end', before.endsAt, after.endsAt);
  if (added.impacts.length > 0) changes.push(`Now also: ${named(added.impacts)}.`);
  if (added.said && added.said.gone.length > 0) changes.push(`No longer named: ${named(added.said.gone)}.`);
  if (before.title !== after.title) changes.push(`Title: "${after.title}".`);
  if (added.said) textAdded(changes, added.said);
  return changes;
}

function textAdded(changes: string[], said: SaidDiff): void {
  if (said.added.length === 0) return;
  const quotes = said.added.slice(0, QUOTED_MAX).map((sentence) => `"${short(sentence)}"`);
  const rest = said.added.length - quotes.length;
  const more = rest > 0 ? ` and ${rest} more sentence${rest === 1 ? '' : 's'}` : '';
  const end = more === '' && /[.!?]"$/.test(quotes.at(-1)!) ? '' : '.';
  changes.push(`${said.rewritten ? 'Text rewritten' : 'Text added'}: ${quotes.join(' ')}${more}${end}`);
}

function moved(changes: string[], what: string, before: string | null, after: string | null): void {
  if (after === null || before === after) return;
  changes.push(before === null ? `${what}: ${minute(after)}.` : `${what} moved: ${minute(before)} → ${minute(after)}.`);
}

function named(impacts: readonly Impact[]): string {
  const pairs = impacts.slice(0, NAMED_MAX).map((i) => (i.region ? `${i.service} in ${i.region}` : i.service));
  const rest = impacts.length - pairs.length;
  return `${pairs.join('; ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

/** Lines, and within them what ends in a full stop, question or exclamation mark before a blank. */
function sentencesOf(text: string): string[] {
  return text
    .split('\n')
    .flatMap((line) => line.split(/(?<=[.!?]) +/))
    .map((sentence) => sentence.trim())
    .filter((sentence) => /[\p{L}\p{N}]/u.test(sentence))
    .slice(0, SENTENCES_MAX);
}

/** 48 bits: a chance meeting among 200 sentences is one in 10^10. */
function shortHash(sentence: string): string {
  return sha256Hex(normaliseText(sentence)).slice(0, 12);
}

function short(sentence: string): string {
  const points = Array.from(sentence);
  return points.length <= QUOTED_CHARS_MAX ? sentence : `${points.slice(0, QUOTED_CHARS_MAX).join('').trimEnd()} …`;
}

function sameImpact(a: Impact, b: Impact): boolean {
  return impactKey(a) === impactKey(b);
}

function sameImpacts(a: readonly Impact[], b: readonly Impact[]): boolean {
  return a.length === b.length && a.every((impact) => b.some((other) => sameImpact(impact, other)));
}

/** `2026-09-14 08:05 UTC` */
export function minute(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;
}
