/**
 * The scope of incidents that are being talked about. A storm brings the same few hundred rows with every batch;
 * reading them each time would cost more than the fold. A cached scope is valid exactly while the incident's row says
 * that it has as many scope rows: rows are only ever added, under the incident's lock.
 */
import { createHash } from 'node:crypto';
import type { Scope } from '#src/core/incident.ts';
import { impactKey, type Impact, type Signal } from '#src/core/signal.ts';
import type { ScopeRow } from '#src/db/ingest.ts';

export interface KnownScope {
  count: number;
  scope: Scope;
  keys: ReadonlySet<string>;
}

export interface ScopeCache {
  /** Exactly as many rows as the incident's row says: for the fold, which holds the incident's lock. */
  get(incidentId: string, count: number): KnownScope | null;
  /** At least as many rows: for messages. The scope may have grown since the delivery was read, and more is never wrong. */
  getAtLeast(incidentId: string, count: number): KnownScope | null;
  /** Keeps what holds more: a read that began earlier may end later. */
  put(incidentId: string, known: KnownScope): void;
}

/** 500 incidents of 500 rows are about 30 MB at the worst; the usual incident has one row. */
const INCIDENTS_MAX = 500;

/** Least recently used goes first. */
export function createScopeCache(incidentsMax: number = INCIDENTS_MAX): ScopeCache {
  const map = new Map<string, KnownScope>();
  return {
    get(incidentId, count) {
      const known = map.get(incidentId);
      return known && known.count === count ? known : null;
    },
    getAtLeast(incidentId, count) {
      const known = map.get(incidentId);
      return known && known.count >= count ? known : null;
    },
    put(incidentId, known) {
      const before = map.get(incidentId);
      map.delete(incidentId);
      map.set(incidentId, before && before.count > known.count ? before : known);
      if (map.size > incidentsMax) map.delete(map.keys().next().value!);
    },
  };
}

/** A body of 21 KB can name 100 of each, which is a million combinations. */
const ROWS_MAX = 10_000;

/** The same signal with the names of places as the incident already has them: `WEST EUROPE` is no further region. */
export function inKnownSpelling(signal: Signal, known: readonly Impact[]): Signal {
  const spelled = new Map(known.map((impact) => [impactKey(impact), impact]));
  return { ...signal, impacts: signal.impacts.map((impact) => spelled.get(impactKey(impact)) ?? impact) };
}

/**
 * The rows that one signal stands for: who told us that which subscription is hit where. Beyond {@link ROWS_MAX}
 * combinations every subscription, place and resource stands in at least one row, but not with every other. Evidence of
 * our own tells nothing of the place.
 */
export function scopeRows(signal: Signal): Omit<ScopeRow, 'incidentId'>[] {
  if (signal.type === 'evidence') return [];
  const subscriptions = signal.subscriptions.length > 0 ? signal.subscriptions : [''];
  const impacts = signal.impacts.length > 0 ? signal.impacts : [{ service: '', region: '' }];
  const resources = signal.resources.length > 0 ? signal.resources : [''];
  const from = { source: signal.source, rule: signal.rule ?? '', schema: signal.schema };
  const rows: Omit<ScopeRow, 'incidentId'>[] = [];
  if (subscriptions.length * impacts.length * resources.length > ROWS_MAX) {
    const longest = Math.max(subscriptions.length, impacts.length, resources.length);
    for (let i = 0; i < longest; i++) {
      const { service, region } = impacts[i % impacts.length]!;
      const subscription = subscriptions[i % subscriptions.length]!;
      rows.push(keyed({ subscription, service, region, resource: resources[i % resources.length]!, ...from }));
    }
    return rows;
  }
  for (const subscription of subscriptions) {
    for (const { service, region } of impacts) {
      for (const resource of resources) rows.push(keyed({ subscription, service, region, resource, ...from }));
    }
  }
  return rows;
}

function keyed(row: Omit<ScopeRow, 'incidentId' | 'key'>): Omit<ScopeRow, 'incidentId'> {
  const text = [row.subscription, row.service, row.region, row.resource, row.source, row.rule, row.schema].join('\n');
  return { ...row, key: createHash('md5').update(text).digest('base64url') };
}

/** Sums rows up to what the fold and the routes work on. */
export function scopeOf(rows: readonly Omit<ScopeRow, 'incidentId'>[]): KnownScope {
  const impacts = new Map<string, Impact>();
  const subscriptions = new Set<string>();
  const resources = new Set<string>();
  const sources = new Set<string>();
  for (const row of rows) {
    if (row.service !== '' && !impacts.has(impactKey(row)))
      impacts.set(impactKey(row), { service: row.service, region: row.region });
    if (row.subscription !== '') subscriptions.add(row.subscription);
    if (row.resource !== '') resources.add(row.resource);
    sources.add(row.source);
  }
  const scope = {
    impacts: [...impacts.values()],
    subscriptions: [...subscriptions],
    resources: [...resources],
    sources: [...sources],
  };
  return { count: rows.length, scope, keys: new Set(rows.map((row) => row.key)) };
}
