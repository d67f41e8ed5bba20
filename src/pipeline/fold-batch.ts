/** What happens to a batch inside its transaction: known repeats out, incidents locked, signals folded, rows written. */
import type { Growth, Incident, Scope } from '#src/core/incident.ts';
import { scopeEntry } from '#src/core/entries.ts';
import { fold } from '#src/core/fold.ts';
import type { Signal, SignalOutcome } from '#src/core/signal.ts';
import {
  LISTED_MAX,
  loadScope,
  type BatchKeys,
  type IncidentRow,
  type IngestBatch,
  type ListedPlace,
  type OpenedBatch,
} from '#src/db/ingest.ts';
import type { Queryable } from '#src/db/pools.ts';
import { promiseDeliveries, type FoldBatchOptions, type Work } from './promise.ts';
import { inKnownSpelling, scopeOf, scopeRows } from './scope-cache.ts';
import type { SignalResult } from './ingest.ts';

export interface FoldedBatch {
  results: SignalResult[];
  /** Destinations that have work once the transaction is committed. */
  destinations: Set<string>;
  /** To be called after the commit, never before: a rolled-back scope must not be remembered. */
  remember: () => void;
  batch: IngestBatch;
  /** Incidents that stop being the newest episode of their identity. */
  retired: string[];
}

/** What must be read, and locked, before signals can be folded. */
export function keysOf(signals: readonly Signal[]): BatchKeys {
  return {
    fingerprints: signals.map((signal) => signal.fingerprint),
    identities: signals.map((signal) => (signal.test ? '' : signal.identity)),
  };
}

/**
 * Folds a batch within a transaction that has read and locked its {@link keysOf}; the caller writes what comes out.
 * Results are in the order of the signals.
 */
export async function foldBatch(
  db: Queryable,
  signals: readonly Signal[],
  { opened, ...options }: FoldBatchOptions & { opened: OpenedBatch },
): Promise<FoldedBatch> {
  const receivedAt = options.now().toISOString();
  const known = new Map(opened.known.map((k) => [k.fingerprint, { id: k.id, incident: k.incidentId }]));
  const works = await loadWorks(db, opened.incidents, options);
  const finished: Work[] = [];
  const batch: IngestBatch = {
    signals: [],
    created: [],
    changed: [],
    scope: [],
    timeline: [],
    deliveries: [],
    wanted: [],
  };
  const results = signals.map((signal): SignalResult => {
    const repeat = known.get(signal.fingerprint);
    // A test that is pressed twice is a test twice: it stands for no incident that it could repeat.
    if (repeat) return { ...repeat, outcome: signal.test ? 'test' : 'duplicate' };
    const id = options.newId('sig');
    const taken = signal.test
      ? { incident: null, outcome: 'test' as const, reason: signal.reason }
      : take(signal, works, { finished, receivedAt, options });
    known.set(signal.fingerprint, { id, incident: taken.incident });
    batch.signals.push(signalRow(id, signal, { ...taken, receivedAt }));
    return { id, incident: taken.incident, outcome: taken.outcome };
  });
  const touched = [...finished, ...works.values()].filter((work) => work.touched);
  const destinations = await promiseDeliveries(db, touched, batch, { options, receivedAt });
  for (const work of touched) collect(work, batch, { receivedAt, latest: !finished.includes(work) });
  const retired = finished.filter((work) => !work.created).map((work) => work.incident.id);
  const remember = (): void => {
    for (const work of works.values())
      options.scopes.put(work.incident.id, { count: work.keys.size, scope: work.scope, keys: work.keys });
  };
  return { results, destinations, remember, batch, retired };
}

async function loadWorks(
  db: Queryable,
  rows: readonly IncidentRow[],
  options: FoldBatchOptions,
): Promise<Map<string, Work>> {
  const works = new Map<string, Work>();
  const missing = rows.filter((row) => !options.scopes.get(row.id, row.scopeCount)).map((row) => row.id);
  const loaded = missing.length > 0 ? Map.groupBy(await loadScope(db, missing), (row) => row.incidentId) : new Map();
  for (const { scopeCount, ...incident } of rows) {
    const cached = options.scopes.get(incident.id, scopeCount) ?? scopeOf(loaded.get(incident.id) ?? []);
    works.set(incident.identity, fresh(incident, { scope: cached.scope, keys: new Set(cached.keys), created: false }));
  }
  return works;
}

function fresh(incident: Incident, rest: { scope: Scope; keys: Set<string>; created: boolean }): Work {
  return {
    incident,
    ...rest,
    addedScope: [],
    material: false,
    grown: { impacts: [], subscriptions: [], resources: [] },
    entries: [],
    contextOnly: false,
    trace: null,
    touched: false,
  };
}

interface Taken {
  incident: string;
  outcome: SignalOutcome;
  reason: string | null;
}

function take(
  signal: Signal,
  works: Map<string, Work>,
  batch: { finished: Work[]; receivedAt: string; options: FoldBatchOptions },
): Taken {
  const { receivedAt, options } = batch;
  const known = works.get(signal.identity);
  const result = fold({ current: known ?? null, signal, receivedAt, newId: options.newId('inc') });
  let work = known;
  if (!work || result.created) {
    // A new episode: the one before it is written as it stands and stops being the newest.
    if (known) batch.finished.push(known);
    work = fresh(result.incident, { scope: result.scope, keys: new Set(), created: true });
    works.set(signal.identity, work);
  }
  work.touched = true;
  work.incident = result.incident;
  work.scope = result.scope;
  work.material ||= result.material;
  if (signal.trace && (result.created || result.material || work.trace === null)) work.trace = signal.trace;
  work.contextOnly = result.created
    ? signal.kind === 'change' && signal.phase === 'note'
    : work.contextOnly && signal.phase === 'note';
  work.entries.push(...result.entries);
  if (!result.created && !result.material) addGrowth(work.grown, result.grown);
  for (const row of scopeRows(inKnownSpelling(signal, work.scope.impacts))) {
    if (work.keys.has(row.key)) continue;
    work.keys.add(row.key);
    work.addedScope.push({
      ...row,
      incident_id: work.incident.id,
      first_seen_at: receivedAt,
      incident_seen_at: work.incident.firstSeenAt,
    });
  }
  return { incident: result.incident.id, outcome: result.outcome, reason: result.reason };
}

function addGrowth(total: Growth, grown: Growth): void {
  total.impacts.push(...grown.impacts);
  total.subscriptions.push(...grown.subscriptions);
  total.resources.push(...grown.resources);
}

function collect(
  work: Work,
  batch: IngestBatch,
  { receivedAt, latest }: { receivedAt: string; latest: boolean },
): void {
  const { incident, grown } = work;
  if (grown.subscriptions.length + grown.resources.length + grown.impacts.length > 0) {
    work.entries.push(
      scopeEntry(grown, { source: work.scope.sources.at(-1) ?? '' }, { at: receivedAt, revision: incident.revision }),
    );
  }
  const row = { incident, scopeCount: work.keys.size, place: listedPlace(work.scope), latest };
  if (work.created) batch.created.push(row);
  else batch.changed.push(row);
  batch.scope.push(...work.addedScope);
  for (const draft of work.entries) batch.timeline.push({ incident_id: incident.id, draft });
}

/** As many of each as a list shows. */
function listedPlace(scope: Scope): ListedPlace {
  return {
    impacts: scope.impacts.slice(0, LISTED_MAX),
    subscriptions: scope.subscriptions.toSorted().slice(0, LISTED_MAX),
    resources: scope.resources.toSorted().slice(0, LISTED_MAX),
    subscriptionCount: scope.subscriptions.length,
  };
}

function signalRow(
  id: string,
  signal: Signal,
  taken: { incident: string | null; outcome: SignalOutcome; reason: string | null; receivedAt: string },
): IngestBatch['signals'][number] {
  return {
    id,
    fingerprint: signal.fingerprint,
    source: signal.source,
    schema: signal.schema,
    type: signal.type,
    received_at: taken.receivedAt,
    occurred_at: signal.occurredAt,
    incident_id: taken.incident,
    outcome: taken.outcome,
    reason: taken.reason ?? signal.reason,
    title: signal.title,
    raw: signal.raw,
  };
}
