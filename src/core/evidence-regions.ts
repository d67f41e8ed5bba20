/** Which region serves a geo-replicated registry, whether that has changed, and what a person may do about it. Pure. */
import { foldName, type EstateResource, type Replica } from './estate.ts';
import type { Serving, ServingShare } from './evidence.ts';
import { isWithin, type Windows } from './evidence-window.ts';

/** Successful pulls that one region answered around one moment. */
export interface RegionPulls {
  atMs: number;
  region: string;
  pulls: number;
}

/** Fewer do not show where pulls go. */
const PULLS_MIN = 20;
/** A region must lose, and another gain, this share of all pulls. */
const MOVED_MIN = 0.3;

/** Null where there are no pulls to tell by. Regions by number of pulls, most first. */
export function servingOf(rows: readonly RegionPulls[], windows: Windows): Serving | null {
  const before = sharesOf(rows.filter((row) => isWithin(row.atMs, windows.before)));
  const inside = rows.filter((row) => isWithin(row.atMs, windows.during));
  const during = sharesOf(inside);
  if (before.length === 0 && during.length === 0) return null;
  return { before, during, moved: movedBetween(before, inside) };
}

/**
 * Compares the time before with every possible end of the window: the moment is the first from which on the losing
 * region keeps below the middle between what it had and what it has at last.
 */
function movedBetween(before: readonly ServingShare[], inside: readonly RegionPulls[]): Serving['moved'] {
  const moments = [...Map.groupBy(inside, (row) => row.atMs)].sort(([a], [b]) => a - b);
  // What goes on now counts: the last third, or more where that holds too few pulls.
  let first = Math.floor((moments.length * 2) / 3);
  const pullsFrom = (index: number): RegionPulls[] => moments.slice(index).flatMap(([, some]) => some);
  while (first > 0 && sum(pullsFrom(first)) < PULLS_MIN) first--;
  const [then, now] = [partsOf(before), partsOf(sharesOf(pullsFrom(first)))];
  if (sum(before) < PULLS_MIN || sum(pullsFrom(first)) < PULLS_MIN) return null;
  const change = (region: string): number => (now.get(region) ?? 0) - (then.get(region) ?? 0);
  const regions = [...new Set([...then.keys(), ...now.keys()])].sort((a, b) => change(a) - change(b));
  const [from, to] = [regions[0]!, regions.at(-1)!];
  if (change(from) > -MOVED_MIN || change(to) < MOVED_MIN) return null;
  const middle = ((then.get(from) ?? 0) + (now.get(from) ?? 0)) / 2;
  const shares = moments.map(([atMs, some]) => ({ atMs, share: partsOf(sharesOf(some)).get(from) ?? 0 }));
  const lastAbove = shares.findLastIndex(({ share }) => share >= middle);
  const moment = shares[lastAbove + 1] ?? shares.at(-1)!;
  return { from, to, at: new Date(moment.atMs).toISOString() };
}

function sharesOf(rows: readonly { region: string; pulls: number }[]): ServingShare[] {
  return [...Map.groupBy(rows, (row) => row.region)]
    .map(([region, some]) => ({ region, pulls: sum(some) }))
    .filter((share) => share.pulls > 0)
    .sort((a, b) => b.pulls - a.pulls || (a.region < b.region ? -1 : 1));
}

function partsOf(shares: readonly ServingShare[]): Map<string, number> {
  const all = sum(shares);
  return new Map(shares.map(({ region, pulls }) => [region, all === 0 ? 0 : pulls / all]));
}

function sum(rows: readonly { pulls: number }[]): number {
  return rows.reduce((total, { pulls }) => total + pulls, 0);
}

/** Home region and replicas; empty for a registry in one place, whose region nobody can change. */
export function replicasOf({ region, replicas }: EstateResource): Replica[] {
  return replicas.length === 0 ? [] : [{ region, endpoint: null }, ...replicas];
}

/**
 * For people, in the order in which they need it. `regions` are those that the incident names. The command stands there
 * to be copied; the relay executes nothing.
 */
export function geoAdvice(resource: EstateResource, regions: readonly string[], serving: Serving | null): string[] {
  const all = replicasOf(resource);
  if (all.length === 0) return [];
  const burning = all.filter(({ region }) => regions.some((name) => foldName(name) === foldName(region)));
  const others = all.filter((replica) => !burning.includes(replica) && replica.endpoint !== false);
  const advice: string[] = [];
  if (serving?.moved) {
    const { from, to, at } = serving.moved;
    advice.push(`Pulls moved from ${from} to ${to} at ${at.slice(11, 16)} UTC.`);
  }
  const off = all.filter((replica) => replica.endpoint === false).map((replica) => replica.region);
  if (off.length > 0) advice.push(`The region endpoint of ${off.join(', ')} is off: no pulls are routed there.`);
  const [first] = burning.filter((replica) => replica.endpoint !== false);
  if (first && others.length > 0) {
    const scope = `--registry ${resource.name} --subscription ${resource.subscription}`;
    advice.push(
      `To send pulls away from ${first.region} (${others.map((replica) => replica.region).join(', ')} would answer): az acr replication update --name ${foldName(first.region)} ${scope} --region-endpoint-enabled false. The same with true takes it back.`,
    );
  } else if (first) advice.push('No other region with an open endpoint is left: there is nowhere to send pulls to.');
  advice.push(
    'A change of region takes minutes to reach clients, because of DNS. A push that is under way may fail and need a retry. A tag that was pushed minutes ago may be missing in the other region.',
  );
  return advice;
}
