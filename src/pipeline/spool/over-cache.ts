/**
 * What is known as over, on disk, so that a replica that has lost Postgres does not page for it (design 3.7). Only a
 * hint: an identity that is not in it may be over all the same, which costs a page too many and never one too few.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Pool } from 'pg';
import { readEnded } from '#src/db/spool.ts';

export interface OverCache {
  has(identity: string): boolean;
  add(identity: string): void;
  /** Reopened: it is not over any more. */
  remove(identity: string): void;
  /** Learns from the database what ended or reopened through other replicas. */
  refresh(pool: Pool): Promise<void>;
}

/** About 100 KB on disk; a busy Azure year has some 200 outages. */
const IDENTITIES_MAX = 2_000;

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
      dirty = true; // a full disk: the next change tries again
    }
  }
  function changed(): void {
    if (dirty) return;
    dirty = true;
    setTimeout(write, 500).unref();
  }
  return {
    has: (identity) => known.has(identity),
    add(identity) {
      if (known.has(identity)) return;
      known.add(identity);
      if (known.size > IDENTITIES_MAX) known.delete(known.values().next().value!);
      changed();
    },
    remove(identity) {
      if (known.delete(identity)) changed();
    },
    async refresh(pool) {
      for (const { identity, over } of await readEnded(pool, IDENTITIES_MAX)) {
        if (over) this.add(identity);
        else this.remove(identity);
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
