/** The story of a storm in lines that a person reads: our own routine entries that follow on each other become one. */
import type { Entry } from '../incidents-record.ts';

export interface Line {
  entries: [Entry, ...Entry[]];
  /** What the line says. */
  words: string;
  /** Something in it did not work. */
  failed: boolean;
}

/** Fewer stand as they are. */
const RUN_MIN = 3;
const NAMED_MAX = 6;

/** One line for each entry, or for a run of attempts, policy decisions and growth of the scope. */
export function condense(entries: readonly Entry[]): Line[] {
  const runs: [Entry, ...Entry[]][] = [];
  for (const entry of entries) {
    const run = runs.at(-1);
    if (run && isRoutine(entry) && isRoutine(run[0])) run.push(entry);
    else runs.push([entry]);
  }
  return runs.flatMap((run): Line[] => {
    const failed = run.some(isFailure);
    if (run.length >= RUN_MIN) return [{ entries: run, words: runWords(run), failed }];
    return run.map((entry) => ({ entries: [entry], words: summaryOf(entry), failed: isFailure(entry) }));
  });
}

/** New impacts are news; more subscriptions under the same impacts are not. */
function isRoutine({ kind, data }: Entry): boolean {
  if (kind === 'scope') return !Array.isArray(data['impacts']) || data['impacts'].length === 0;
  return kind === 'attempt' || (kind === 'decision' && (data['decision'] === 'policy' || data['decision'] === 'level'));
}

function isFailure({ kind, data }: Entry): boolean {
  return kind === 'attempt' && data['outcome'] !== 'accepted';
}

function runWords(run: readonly Entry[]): string {
  const attempts = run.filter((entry) => entry.kind === 'attempt');
  const failures = attempts.filter(isFailure);
  const accepted = attempts.length - failures.length;
  const grown = run.filter((entry) => entry.kind === 'scope');
  const left = run.filter((entry) => entry.kind === 'decision').length;
  const parts = [
    accepted > 0
      ? `${count(accepted, 'message')} accepted by ${destinations(attempts.filter((a) => !isFailure(a)))}`
      : '',
    failures.length > 0 ? `${count(failures.length, 'try', 'tries')} not accepted by ${destinations(failures)}` : '',
    grown.length > 0 ? `scope grew by ${growth(grown)}` : '',
    left > 0 ? `${count(left, 'message')} left out by policy` : '',
  ];
  const words = parts.filter((part) => part !== '').join('; ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function destinations(attempts: readonly Entry[]): string {
  const names = [
    ...new Set(attempts.map(({ data }) => (typeof data['destination'] === 'string' ? data['destination'] : ''))),
  ];
  const rest = names.length - NAMED_MAX;
  return names.slice(0, NAMED_MAX).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}

function growth(entries: readonly Entry[]): string {
  const sum = (key: string): number =>
    entries.reduce((total, { data }) => total + (Array.isArray(data[key]) ? data[key].length : 0), 0);
  const parts = [
    [sum('subscriptions'), 'subscription'],
    [sum('resources'), 'resource'],
  ] as const;
  const words = parts.filter(([n]) => n > 0).map(([n, word]) => count(n, word));
  return words.length > 0 ? words.join(' and ') : count(entries.length, 'entry', 'entries');
}

function count(n: number, one: string, many: string = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

const OUTCOMES: Readonly<Record<string, string>> = {
  accepted: 'accepted',
  retryable: 'did not work, to be tried again',
  permanent: 'refused',
  unknown: 'sent, without an answer',
};

/** The entry in plain words; an attempt says what came of it rather than the name of its outcome. */
export function summaryOf({ kind, summary, data, voice, who }: Entry): string {
  const { destination, action, outcome, reason } = data;
  // The name stands in the column beside it.
  if (voice === 'person') return summary.replace(` by ${who}`, '');
  if (kind !== 'attempt' || typeof destination !== 'string' || typeof outcome !== 'string') return summary;
  const why = typeof reason === 'string' ? ` (${reason})` : '';
  return `${destination}: ${String(action)} ${OUTCOMES[outcome] ?? outcome}${why}`;
}

/** Whether the line holds all of what a person wrote, and need not be followed by it. */
export function saysAll({ summary, data }: Entry): boolean {
  return typeof data['text'] !== 'string' || summary.endsWith(data['text']);
}

/** Changes that the line does not say already. */
export function changesOf({ changes, summary }: Entry): string[] {
  return (changes ?? []).filter((change) => !summary.includes(change));
}
