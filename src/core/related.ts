/**
 * Which of our own alerts belong to which Service Health event: both at the same time, on the same resource, service or
 * region. A relation is a hint for readers, never a cause, and holds both ways with the same words.
 */
import { isServiceHealth } from './incident.ts';
import type { Impact, Kind } from './signal.ts';

/** Strongest first. */
export const RELATIONS = ['resource', 'impact', 'service', 'region'] as const;
export type RelationBy = (typeof RELATIONS)[number];

export interface RelatedFacts {
  kind: Kind;
  impacts: readonly Impact[];
  /** Lower-cased ARM ids. */
  resources: readonly string[];
  /** Start of impact, or the first sight of it. ISO 8601 UTC, like `until`. */
  from: string;
  /** Null while it goes on. */
  until: string | null;
}

export interface Relation {
  by: RelationBy;
  /** What they share, for people. */
  reason: string;
  overlap: { from: string; until: string | null };
}

/** Own alerts fire some minutes after the end as well: windows of evaluation are up to a quarter of an hour long. */
const SLACK_MS = 15 * 60_000;
/** An alert that has stood for longer was not brought about by what came later, nor the other way. */
const APART_MAX_MS = 30 * 86_400_000;

/** True where the kinds can be related at all: one side told by Microsoft, the other by our own alerts. */
export function canRelate(a: Kind, b: Kind): boolean {
  return (isServiceHealth(a) && isOwnAlert(b)) || (isServiceHealth(b) && isOwnAlert(a));
}

/** Kinds that our own rules and resources bring about. */
export function isOwnAlert(kind: Kind): boolean {
  return kind === 'alert' || kind === 'resource';
}

/** The strongest relation between two incidents, or null. Symmetric. */
export function relate(a: RelatedFacts, b: RelatedFacts): Relation | null {
  if (!canRelate(a.kind, b.kind)) return null;
  const overlap = overlapOf(a, b);
  if (!overlap || Math.abs(Date.parse(a.from) - Date.parse(b.from)) > APART_MAX_MS) return null;
  const event = isServiceHealth(a.kind) ? a : b;
  const own = event === a ? b : a;
  const shared = sharedOf(event, own);
  return shared && { ...shared, overlap };
}

function sharedOf(event: RelatedFacts, own: RelatedFacts): Pick<Relation, 'by' | 'reason'> | null {
  const resource = own.resources.find((id) => event.resources.includes(id));
  if (resource !== undefined) return { by: 'resource', reason: `same resource: ${resource.split('/').at(-1)}` };
  const pairs = event.impacts.flatMap((theirs) => own.impacts.map((ours) => ({ theirs, ours })));
  const sameService = pairs.filter(({ theirs, ours }) => fold(theirs.service) === fold(ours.service));
  const exact = sameService.find(({ theirs, ours }) => ours.region !== '' && sameRegion(theirs.region, ours.region));
  if (exact)
    return { by: 'impact', reason: `same service and region: ${exact.theirs.service} in ${exact.theirs.region}` };
  const open = sameService.find(({ theirs, ours }) => ours.region === '' || theirs.region === '' || isGlobal(theirs));
  if (open) return { by: 'service', reason: `same service: ${open.theirs.service}` };
  // A retirement notice is open for months: by region alone every alert of that time would belong to it.
  if (event.kind !== 'outage' && event.kind !== 'maintenance') return null;
  const near = pairs.find(
    ({ theirs, ours }) => ours.region !== '' && !isGlobal(ours) && sameRegion(theirs.region, ours.region),
  );
  return near ? { by: 'region', reason: `same region: ${near.theirs.region}` } : null;
}

function overlapOf(a: RelatedFacts, b: RelatedFacts): Relation['overlap'] | null {
  const from = a.from > b.from ? a.from : b.from;
  const until = a.until === null ? b.until : b.until === null || a.until < b.until ? a.until : b.until;
  if (until === null) return { from, until };
  const gapMs = Date.parse(from) - Date.parse(until);
  if (gapMs > SLACK_MS) return null;
  return gapMs > 0 ? { from: until, until: from } : { from, until };
}

function sameRegion(a: string, b: string): boolean {
  return a !== '' && fold(a) === fold(b);
}

function isGlobal(impact: Impact): boolean {
  return fold(impact.region) === 'global';
}

/** `westeurope` is `West Europe`. */
function fold(name: string): string {
  return name.replaceAll(' ', '').toLowerCase();
}
