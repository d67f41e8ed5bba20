/**
 * What a look has found becomes the record: the newest word on each resource, an entry on the timeline when a verdict
 * changed, and a note to the destinations when that is news to them. A note never opens a page (core/plan.ts).
 */
import type { Pool } from 'pg';
import { ADVICE_LABEL, CAVEAT_LABEL, EVIDENCE_LABEL, EVIDENCE_LABELS } from '#src/core/details.ts';
import {
  adviceInWords,
  evidenceInWords,
  movesInWords,
  type Move,
  type ResourceEvidence,
  type Verdict,
} from '#src/core/evidence.ts';
import { foldName } from '#src/core/estate.ts';
import type { Window } from '#src/core/evidence-window.ts';
import type { Signal } from '#src/core/signal.ts';
import {
  addEvidenceEntry,
  noteEvidenceRound,
  readEvidence,
  saveEvidence,
  setEvidenceFacts,
  type DueEvidence,
  type EvidenceRow,
} from '#src/db/evidence.ts';
import { transaction, type Queryable } from '#src/db/pools.ts';
import type { Ingest } from '../ingest.ts';
import { ownSignal } from '../own-signal.ts';

export interface TellOptions {
  pool: Pool;
  ingest: Ingest;
  now: () => Date;
}

export interface Look {
  incident: DueEvidence;
  found: readonly ResourceEvidence[];
  /** What was not asked this time, as it stands; only for the words. */
  kept: readonly ResourceEvidence[];
  /** After the end: what is to be asked once more, and how often it was already, by resource. */
  again: ReadonlyMap<string, number>;
  /** The time that was asked for; null where it was too early to ask. */
  window: Window | null;
  /** After the end, and nothing is left to be asked. */
  last: boolean;
  nextInMs: number;
}

/** What came of it, for the log. */
export interface ToldLook {
  changed: number;
  /** Destinations are told. */
  told: boolean;
  words: string;
}

/** An entry names at most so many; the others stand in the API. */
const LISTED_MAX = 50;

/** Writes everything of one look in one transaction. */
export async function tellLook(look: Look, options: TellOptions): Promise<ToldLook> {
  const { incident, last, nextInMs } = look;
  const over = incident.endedAt !== null;
  const before = new Map((await readEvidence(options.pool, incident.id)).map((row) => [row.resource, row]));
  const found = look.found.map((evidence) => keepMemory(evidence, before.get(evidence.resource)));
  const changed = found.filter((one) => before.get(one.resource)?.verdict !== one.verdict);
  // An unknown is no news: neither at first, nor when metrics fail after they have told something. After the end only a
  // hit is: that it was none, nobody has to be told then.
  const isNews = ({ verdict }: ResourceEvidence): boolean => (over ? verdict === 'hit' : verdict !== 'unknown');
  const news = found.filter((one) => isNews(one) && toldOf(before, one) !== one.verdict);
  // A move of pulls mostly comes after the verdict. After the end it is no reason for a note.
  const untold = movesOf(found).filter(({ resource, key }) => !before.get(resource)?.memory?.moves.includes(key));
  const moves = news.length > 0 || !over ? untold : [];
  const all = [...found, ...look.kept];
  const words = evidenceInWords(all);
  const advice = adviceInWords(all);
  const facts = {
    [EVIDENCE_LABEL]: words,
    ...(advice === null ? {} : { [ADVICE_LABEL]: advice.todo, [CAVEAT_LABEL]: advice.before }),
  };
  const save = async (db: Queryable): Promise<void> => {
    const told = new Set(news.map((one) => one.resource));
    const moved = Map.groupBy(moves, (one) => one.resource);
    await saveEvidence(
      db,
      incident.id,
      found.map((evidence) => ({
        evidence,
        told: told.has(evidence.resource) ? evidence.verdict : null,
        memory: {
          endedAt: look.again.has(evidence.resource) ? null : incident.endedAt,
          tries: look.again.get(evidence.resource) ?? 0,
          moves: [
            ...(before.get(evidence.resource)?.memory?.moves ?? []),
            ...(moved.get(evidence.resource) ?? []).map(({ key }) => key),
          ],
        },
      })),
    );
    await noteEvidenceRound(db, { incidentId: incident.id, nextInMs, over: last });
  };
  const at = options.now();
  const head = last ? 'Evidence at the end' : 'Evidence';
  const data = entryData(look, all, words);
  const isTold = news.length + moves.length > 0;
  if (isTold) {
    const title = `${head}: ${joined(evidenceInWords(news), movesInWords(moves))}`;
    const said = [
      ...news.map((one) => `${one.resource} ${one.verdict}`),
      ...moves.map((one) => `${one.resource} ${one.key}`),
    ].sort();
    const signal = evidenceSignal(incident, { at, title, facts, data, said });
    await options.ingest.submitWith([signal], save);
  } else {
    await transaction(options.pool, async (db) => {
      // The incident's row first, as ingest has it: two replicas at once must not wait for each other in a circle.
      await setEvidenceFacts(db, incident.id, { labels: EVIDENCE_LABELS, facts });
      await save(db);
      if (changed.length > 0 || last)
        await addEvidenceEntry(db, {
          incidentId: incident.id,
          at: at.toISOString(),
          summary: `${head}: ${joined(words, movesInWords(untold))}`,
          data,
        });
    });
  }
  return { changed: changed.length, told: isTold, words };
}

function joined(...parts: string[]): string {
  return parts.filter((part) => part !== '').join('; ');
}

/** `key`: the same change of regions is news once, whenever it is seen to have been. */
function movesOf(found: readonly ResourceEvidence[]): (Move & { resource: string; key: string })[] {
  return found.flatMap(({ resource, name, serving }) => {
    const moved = serving?.moved;
    return moved ? [{ resource, name, ...moved, key: `${foldName(moved.from)} > ${foldName(moved.to)}` }] : [];
  });
}

function toldOf(before: ReadonlyMap<string, EvidenceRow>, { resource }: ResourceEvidence): Verdict | null {
  return before.get(resource)?.told ?? null;
}

/** What was known once is said beside the reason why it is not known now. */
function keepMemory(evidence: ResourceEvidence, row: EvidenceRow | undefined): ResourceEvidence {
  if (evidence.verdict !== 'unknown' || row?.told == null) return evidence;
  const last = row.told === 'hit' ? 'it was hit' : 'nothing was seen';
  return { ...evidence, reason: `${evidence.reason}; when it could last be told, ${last}` };
}

/** `from` and `to` only where something was hit: the time axis draws it as a band. */
function entryData(look: Look, found: readonly ResourceEvidence[], words: string): Record<string, unknown> {
  const spans = found
    .filter((one) => one.verdict === 'hit')
    .flatMap((one) => one.checks.map((check) => check.span).filter((span) => span !== null));
  const from = spans.map((span) => span.from).sort()[0];
  const to = spans
    .map((span) => span.to)
    .sort()
    .at(-1);
  return {
    text: words,
    window: look.window,
    ...(from === undefined ? {} : { from, to }),
    verdicts: found
      .slice(0, LISTED_MAX)
      .map(({ resource, name, verdict, reason }) => ({ resource, name, verdict, reason })),
    moves: movesOf(found)
      .slice(0, LISTED_MAX)
      .map(({ key: _key, ...move }) => move),
    ...(found.length > LISTED_MAX ? { more: found.length - LISTED_MAX } : {}),
  };
}

function evidenceSignal(
  incident: DueEvidence,
  news: { at: Date; title: string; facts: Record<string, string>; data: Record<string, unknown>; said: string[] },
): Signal {
  const { identity, kind, trackingId, severity } = incident;
  const signal = ownSignal({
    identity,
    kind,
    trackingId,
    severity,
    title: news.title,
    phase: 'note',
    // A look that is repeated after a lost commit, or made by two replicas at once, is the same news; not so one that
    // has found something else, from a replica that outlived its lease.
    once: `evidence ${incident.id} ${incident.number + 1} ${news.said.join(', ')}`,
    at: news.at,
  });
  return { ...signal, type: 'evidence', details: news.facts, data: news.data };
}
