/** The record of one incident as a caller may see it: the API's answers, the exports and the page are all made from it. */
import { durationsOf, type ClockFacts, type Durations } from '#src/core/clocks.ts';
import { relate, RELATIONS, type RelatedFacts, type Relation } from '#src/core/related.ts';
import { isServiceHealth } from '#src/core/incident.ts';
import type { Kind } from '#src/core/signal.ts';
import { deliveriesAsOf, incidentAsOf } from '#src/db/as-of.ts';
import { readClockFacts } from '#src/db/clocks.ts';
import { readEvidence, type EvidenceRow } from '#src/db/evidence.ts';
import { findCandidates, type RelatedCandidate } from '#src/db/related.ts';
import { findIncident, type IncidentListRow } from '#src/db/incident-list.ts';
import {
  readDeliveries,
  readProvenance,
  readTimeline,
  type DeliveryRow,
  type ProvenanceRow,
  type TimelineRow,
} from '#src/db/reads.ts';
import type { Caller } from './auth.ts';
import type { ApiDeps } from './deps.ts';
import { speakerOf, type Speaker } from './exports/voice.ts';
import { isWithheld, withheldEntry, withheldIncident } from './incidents-need-to-know.ts';
import { Problem } from './problem.ts';

type Deps = Pick<ApiDeps, 'config' | 'pools' | 'now'>;

/** An incident found for a caller. `at` is the moment that the record is shown as of, null for now. */
export interface Found {
  incident: IncidentListRow;
  withheld: boolean;
  at: string | null;
}

export type Entry = TimelineRow & Speaker;
export type Clocks = ClockFacts & { durations: Durations };

export interface RelatedIncident extends Relation {
  id: string;
  trackingId: string | null;
  kind: Kind;
  state: string;
  severity: string;
  headline: string;
  startedAt: string | null;
}

export interface IncidentRecord extends Found {
  timeline: Entry[];
  deliveries: DeliveryRow[];
  provenance: ProvenanceRow[];
  clocks: Clocks;
  related: RelatedIncident[];
  evidence: EvidenceRow[];
}

/** Finds by our id or tracking ID. Throws the 404 where there is none, or where nothing was known of it at `at`. */
export async function findRecord(
  deps: Deps,
  caller: Caller,
  { id, at }: { id: string; at: string | null },
): Promise<Found> {
  const found = await findIncident(deps.pools.read, id);
  if (!found) throw new Problem(404, 'no-such-incident', 'no incident has this id or tracking ID');
  const moment = at === null ? null : new Date(at).toISOString();
  const incident = moment === null ? found : await incidentAsOf(deps.pools.read, found, moment);
  if (!incident) throw new Problem(404, 'not-known-then', 'nothing was known of this incident at that moment');
  const withheld = isWithheld(deps.config(), caller, incident.kind);
  return { incident: withheld ? withheldIncident(incident) : incident, withheld, at: moment };
}

/** The timeline with whose word each entry is. `limit` null is the whole. */
export async function timelineOf(deps: Deps, found: Found, limit: number | null = null): Promise<Entry[]> {
  const rows = await readTimeline(deps.pools.read, found.incident.id, { recordedUntil: found.at, limit });
  return rows.map((row) => ({ ...(found.withheld ? withheldEntry(row) : row), ...speakerOf(row) }));
}

/** Deliveries with attempts and receipts. */
export async function deliveriesOf(deps: Deps, { incident, at }: Found): Promise<DeliveryRow[]> {
  const rows = await readDeliveries(deps.pools.read, incident.id);
  return at === null ? rows : deliveriesAsOf(rows, at, incident.revision);
}

/** Who told us about which subscription. */
export async function provenanceOf(deps: Deps, { incident, at }: Found): Promise<ProvenanceRow[]> {
  const rows = await readProvenance(deps.pools.read, incident.id);
  return at === null ? rows : rows.filter((row) => row.firstSeenAt <= at);
}

/** What is known of each of our resources. Only the newest word is kept with its numbers: as of a moment before it, none. */
export async function evidenceOf(deps: Deps, { incident, at, withheld }: Found): Promise<EvidenceRow[]> {
  if (withheld) return [];
  const rows = await readEvidence(deps.pools.read, incident.id);
  return at === null ? rows : rows.filter((row) => row.takenAt <= at);
}

/** When what happened. As of a moment, what had not happened by then is open. */
export async function clocksOf(deps: Deps, { incident, at }: Found): Promise<Clocks> {
  const any = { kind: [], service: null, region: null, subscription: null, from: null, to: null, limit: 1 };
  const [row] = await readClockFacts(deps.pools.read, { ...any, id: incident.id });
  const until = (time: string | null | undefined): string | null => (time && (at === null || time <= at) ? time : null);
  const clocks: ClockFacts = {
    // What Azure said of its own times is taken from the standing of that moment.
    impactStartedAt: incident.startedAt,
    firstCommunicationAt: until(row?.firstCommunicationAt),
    firstSignalAt: until(row?.firstSignalAt ?? incident.firstSeenAt),
    committedAt: until(row?.committedAt),
    firstPageAt: until(row?.firstPageAt),
    firstToldAt: until(row?.firstToldAt),
    acknowledgedAt: until(row?.acknowledgedAt),
    mitigatedAt: incident.mitigatedAt,
    resolvedAt: incident.resolvedAt,
    reviewedAt: until(row?.reviewedAt),
  };
  return { ...clocks, durations: durationsOf(clocks) };
}

/** At most this many are shown; the strongest relations first. */
const RELATED_MAX = 100;

/** Own alerts of a Service Health event, or the events of an own alert; symmetric. */
export async function relatedTo(deps: Deps, { incident, at }: Found): Promise<RelatedIncident[]> {
  const kind = incident.kind as Kind;
  const own = isServiceHealth(kind);
  if (!own && kind !== 'alert' && kind !== 'resource') return [];
  const mine = factsOf({ ...incident, kind, until: endOf(incident) });
  const candidates = await findCandidates(deps.pools.read, { id: incident.id, ...mine }, { own });
  const now = at ?? deps.now().toISOString();
  const related = candidates.flatMap((candidate): RelatedIncident[] => {
    const theirs = factsOf(candidate);
    // Planned for later is not going on, however open it is.
    if (theirs.from > now || mine.from > now || (at !== null && candidate.firstSeenAt > at)) return [];
    const relation = relate(mine, theirs);
    if (!relation) return [];
    const { id, trackingId, state, severity, headline, startedAt } = candidate;
    return [{ id, trackingId, kind: candidate.kind, state, severity, headline, startedAt, ...relation }];
  });
  const rank = (entry: RelatedIncident): number => RELATIONS.indexOf(entry.by);
  return related.toSorted((a, b) => rank(a) - rank(b)).slice(0, RELATED_MAX);
}

function factsOf(
  row: Pick<RelatedCandidate, 'kind' | 'impacts' | 'resources' | 'startedAt' | 'firstSeenAt' | 'until'>,
): RelatedFacts {
  const { kind, impacts, resources, until } = row;
  return { kind, impacts, resources, from: row.startedAt ?? row.firstSeenAt, until };
}

function endOf(incident: IncidentListRow): string | null {
  if (incident.state === 'planned' || incident.state === 'active') return null;
  return incident.mitigatedAt ?? incident.resolvedAt ?? incident.closedAt ?? incident.lastSeenAt;
}

/** Everything at once, for exports and the page. */
export async function loadRecord(
  deps: Deps,
  caller: Caller,
  options: { id: string; at: string | null },
): Promise<IncidentRecord> {
  const found = await findRecord(deps, caller, options);
  const [timeline, deliveries, provenance, clocks, related, evidence] = await Promise.all([
    timelineOf(deps, found),
    deliveriesOf(deps, found),
    provenanceOf(deps, found),
    clocksOf(deps, found),
    relatedTo(deps, found),
    evidenceOf(deps, found),
  ]);
  return { ...found, timeline, deliveries, provenance, clocks, related, evidence };
}
