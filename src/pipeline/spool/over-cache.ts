/**
 * What is known as over, so that a replica that has lost Postgres does not page for it (design 3.7). On disk beside a
 * spool. Only a hint: an identity that is not in it may be over all the same, which costs a page too many and never one
 * too few.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Pool } from 'pg';
import type { Signal } from '#src/core/signal.ts';
import { readEnded } from '#src/db/spool.ts';
import type { SignalResult } from '../ingest.ts';

export interface OverCache {
  has(identity: string): boolean;
  add(identity: string): void;
  /** Learns from what became of signals here. */
  learn(signals: readonly Signal[], results: readonly SignalResult[]): void;
  /** Learns from the database what ended or reopened through other replicas. */
  refresh(pool: Pool): Promise<void>;
}

/** About 100 KB on disk; a busy Azure year has some 200 outages. */
const IDENTITIES_MAX = 2_000;

/** How often, in milliseconds, it is learned what is over; until it is known at all, sooner. */
const LEARN_MS = 15_000;
const LEARN_FIRST_MS = 500;

/** Refreshes `over` from now on, as long as `when` says that the database knows everything. Returns what ends it. */
export function keepLearning(over: OverCache, pool: Pool, when: () => boolean): () => void {
  let nextMs = LEARN_FIRST_MS;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  async function learn(): Promise<void> {
    if (when()) {
      await over.refresh(pool).then(
        () => (nextMs = LEARN_MS),
        () => undefined, // whoever needs the database says so
      );
    }
    if (!stopped) timer = setTimeout(() => void learn(), nextMs);
  }
  void learn();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

/** Reads the file, if there is one. */
export function openOverCache(path: string): OverCache {
  const known = new Set<string>(readList(path));
  let dirty = false;
  function write(): void {
    dirty = false;
    try {
      writeFileSync(`${path}.new`, JSON.stringify([...known].slice(-IDENTITIES_MAX)), { mode: 0o600 });
      renameSync(`${path}.new`, path);
    } catch {
      // A full disk: the next change tries again.
    }
  }
  return createOverCache(known, () => {
    if (dirty) return;
    dirty = true;
    setTimeout(write, 500).unref();
  });
}

/** One in memory; `changed` is called after each change. */
export function createOverCache(known = new Set<string>(), changed: () => void = () => undefined): OverCache {
  /** Reopened: it is not over any more. */
  function remove(identity: string): void {
    if (known.delete(identity)) changed();
  }

  return {
    has: (identity) => known.has(identity),
    add(identity) {
      if (known.has(identity)) return;
      known.add(identity);
      if (known.size > IDENTITIES_MAX) known.delete(known.values().next().value!);
      changed();
    },
    learn(signals, results) {
      for (const [index, { outcome }] of results.entries()) {
        if (outcome === 'resolved') this.add(signals[index]!.identity);
        if (outcome === 'opened') remove(signals[index]!.identity);
      }
    },
    async refresh(pool) {
      for (const { identity, over } of await readEnded(pool, IDENTITIES_MAX)) {
        if (over) this.add(identity);
        else remove(identity);
      }
    },
  };
}

function readList(path: string): string[] {
  try {
    const list: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return Array.isArray(list) ? list.filter((entry) => typeof entry === 'string') : [];
  } catch {
    return [];
  }
}
