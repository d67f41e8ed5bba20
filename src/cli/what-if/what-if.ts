/**
 * `relay replay --from ... --config new.yaml`: the past, told by another config. Signals are read from the database
 * itself, in a read-only transaction: the API shows no bodies (they may hold what a reader of the API need not know),
 * and a month of them is more than a page of answers.
 */
import type { RelayConfig } from '#src/config/types.ts';
import type { Signal } from '#src/core/signal.ts';
import type { PostgresAddress } from '#src/db/address.ts';
import { readPastSignals, visitReadOnly, type PastSignal } from '#src/db/past-signals.ts';
import { Failure } from '../command.ts';
import { createFolding, sourceOf } from '../fold-payloads.ts';
import { differenceOf, type Difference, type Side } from './difference.ts';
import { reread, type Skipped } from './reread.ts';
import { tellingsOf, type PastTest } from './tellings.ts';

export interface WhatIf extends Difference {
  from: string;
  to: string;
  /** Within the span, and before it of incidents that were open already. */
  signals: { inSpan: number; before: number };
  incidents: number;
  skipped: Record<Skipped, number>;
  /** Incidents of which at least one body is gone or unreadable: the first message may be an update in truth. */
  incomplete: number;
  /** Read as another incident than when they came, as parsers have changed since. */
  readDifferently: number;
  /** A route asks the estate, which is not known here: its conditions hold, on both sides. */
  estateUnknown: boolean;
}

/** Both sides are held in memory: some 3 KB per signal of Service Health, less for the others. */
const SIGNALS_MAX = 200_000;

/** Reads, folds and compares. `from` and `to` are ISO 8601 UTC. Throws {@link Failure} where the span holds too much. */
export async function whatIf(
  address: PostgresAddress,
  { today, next, from, to }: { today: RelayConfig; next: RelayConfig; from: string; to: string },
): Promise<WhatIf> {
  const [left, right] = [openSide(today), openSide(next)];
  const counts = {
    signals: { inSpan: 0, before: 0 },
    skipped: { bodiless: 0, own: 0, unreadable: 0 },
    readDifferently: 0,
  };
  const { signals, skipped } = counts;
  const incomplete = new Set<string>();
  await visitReadOnly(address, async (db) => {
    for await (const row of readPastSignals(db, { from, to })) {
      signals[row.receivedAt >= from ? 'inSpan' : 'before'] += 1;
      if (signals.inSpan + signals.before > SIGNALS_MAX)
        throw new Failure(`more than ${SIGNALS_MAX} signals belong to this span; choose a shorter one`);
      const [mine, theirs] = [today, next].map((config) => sourceOf(config, row.source).subscription);
      const read = reread(row, mine ?? null);
      left.take(row, read);
      right.take(row, mine === theirs ? read : reread(row, theirs ?? null));
      if (typeof read === 'string') {
        skipped[read] += 1;
        if (read !== 'own' && row.identity !== null) incomplete.add(row.identity);
      } else if (row.identity !== null && read.length === 1 && read[0]!.identity !== row.identity) {
        counts.readDifferently += 1;
      }
    }
  });
  const span = { fromMs: Date.parse(from), toMs: Date.parse(to) };
  const [before, after] = [left.finish(span), right.finish(span)];
  const all = [...before.incidents, ...after.incidents];
  return {
    from,
    to,
    ...counts,
    incidents: after.incidents.length,
    incomplete: incomplete.size,
    estateUnknown: all.some((one) => one.decision.estateUnknown === true),
    ...differenceOf(before, after),
  };
}

interface OpenSide {
  /** Folds what was read in a row; does nothing where that was left out. */
  take(row: PastSignal, read: ReturnType<typeof reread>): void;
  /** After the last one. */
  finish(span: { fromMs: number; toMs: number }): Side;
}

function openSide(config: RelayConfig): OpenSide {
  const folding = createFolding(config);
  const { incidents } = folding;
  const tests: PastTest[] = [];
  // What shares its moment of receipt was one commit: routes are judged after it, not within.
  let commit: { at: string; signals: Signal[] } = { at: '', signals: [] };

  function flush(): void {
    for (const { outcome, signal } of folding.take(commit.signals, commit.at)) {
      if (outcome === 'test') tests.push({ at: commit.at, identity: signal.identity, title: signal.title });
    }
  }

  return {
    take(row, read) {
      if (typeof read === 'string') return;
      if (row.receivedAt !== commit.at) {
        flush();
        commit = { at: row.receivedAt, signals: [] };
      }
      commit.signals.push(...read);
    },
    finish(span) {
      flush();
      return { config, incidents, tellings: tellingsOf(config, { incidents, tests }, span) };
    },
  };
}
