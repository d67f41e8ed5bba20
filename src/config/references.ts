/**
 * Checks that names in the config point at something. Works on the raw document, so that a wrong name is found also
 * when other sections are broken.
 */
import { OWNERS } from '#src/core/route.ts';
import { quoted, type ConfigPath, type Report } from './fault.ts';
import { suggest } from './suggest.ts';

const KINDS = ['outage', 'maintenance', 'advisory', 'security', 'resource', 'alert', 'change', 'unrecognised'];
const SEVERITIES = ['info', 'warning', 'error', 'critical'];
/** What `estate` in a match is compared with. */
const ESTATE = ['hit', 'none'];
/** Keys of a match that take known words only. */
export const MATCH_WORDS = { kind: KINDS, severity: SEVERITIES, estate: ESTATE } as const;

/** Reports unknown destinations, kinds and severities, tokens and names that stand twice, and what would surprise. */
export function checkReferences(document: unknown, report: Report): void {
  const root = mapOf(document);
  const destinations = mapOf(root['destinations']);
  checkDestinationNames(root, { destinations, report });
  checkTwice(root, report);
  checkReaders(root, report);
  const routes = listOf(root['routes']);
  for (const section of ['routes', 'silences'])
    listOf(root[section]).forEach((one, index) => {
      const match = mapOf(mapOf(one)['match']);
      for (const [key, known] of Object.entries(MATCH_WORDS))
        checkWords(match[key], { path: [section, index, 'match', key], known, report });
    });
  checkEvidence(root, report);
  checkActivityLog(root, report);
  routes.forEach((route, index) => checkDamped(mapOf(route), index, report));
  warnAboutCover(root, { destinations, routes, report });
}

interface NameContext {
  destinations: Readonly<Record<string, unknown>>;
  report: Report;
}

function checkDestinationNames(root: Record<string, unknown>, { destinations, report }: NameContext): void {
  const known = Object.keys(destinations);
  const check = (name: unknown, path: ConfigPath): void => {
    if (typeof name !== 'string' || name === '') return;
    if (!known.includes(name))
      report.fault(path, `unknown destination ${quoted(name)}`, { hint: suggest(name, known) });
    else if (mapOf(destinations[name])['retired'] === true) {
      report.warn(path, `the destination ${quoted(name)} is retired and takes no new incident`);
    }
  };
  const checkList = (list: unknown, path: ConfigPath): void =>
    listOf(list).forEach((name, index) => check(name, [...path, index]));
  const hasOwners = root['owners'] !== undefined && root['owners'] !== null;
  if (hasOwners && known.includes(OWNERS))
    report.fault(
      ['destinations', OWNERS],
      'owners in `to` stands for the owners of hit resources; choose another name',
      { at: 'key' },
    );
  listOf(root['routes']).forEach((route, index) =>
    listOf(mapOf(route)['to']).forEach((name, at) => {
      if (name !== OWNERS || known.includes(OWNERS)) return check(name, ['routes', index, 'to', at]);
      if (!hasOwners)
        report.fault(['routes', index, 'to', at], 'nothing says who the owners are', {
          hint: 'add a section owners, such as owners: { tag: owner, default: [...] }',
        });
    }),
  );
  const owners = mapOf(root['owners']);
  for (const [owner, to] of Object.entries(mapOf(owners['destinations'])))
    [to].flat().forEach((name) => check(name, ['owners', 'destinations', owner]));
  checkList(owners['default'], ['owners', 'default']);
  if (hasOwners && listOf(owners['default']).length === 0)
    report.warn(['owners'], 'a hit resource without a known owner is told to everyone that owners can mean', {
      hint: 'add default: [...]',
      at: 'key',
    });
  checkList(root['default'], ['default']);
  listOf(root['silences']).forEach((one, index) =>
    checkList(mapOf(one)['destinations'], ['silences', index, 'destinations']),
  );
  check(root['tests'], ['tests']);
  for (const [name, destination] of Object.entries(destinations)) {
    const to = mapOf(mapOf(destination)['fallback'])['to'];
    const path = ['destinations', name, 'fallback', 'to'];
    if (to === name) report.fault(path, 'a destination cannot be its own fallback');
    else check(to, path);
  }
}

/** One token must say who calls: a receiver's stands in addresses that Azure keeps, so the API may not share it. */
function checkTwice(root: Record<string, unknown>, report: Report): void {
  const once = (): ((value: unknown, path: ConfigPath, message: string) => void) => {
    const seen = new Set<unknown>();
    return (value, path, message) => {
      if (typeof value !== 'string' || value === '') return;
      if (seen.has(value)) report.fault(path, message);
      seen.add(value);
    };
  };
  const receivers = mapOf(root['receivers']);
  const [token, hubName, apiName] = [once(), once(), once()];
  listOf(receivers['tokens']).forEach((entry, index) =>
    token(mapOf(entry)['token'], ['receivers', 'tokens', index, 'token'], 'this token stands here twice'),
  );
  listOf(receivers['eventHubs']).forEach((entry, index) =>
    hubName(mapOf(entry)['name'], ['receivers', 'eventHubs', index, 'name'], 'this name stands here twice'),
  );
  listOf(mapOf(root['api'])['tokens']).forEach((entry, index) => {
    const { name, token: value } = mapOf(entry);
    apiName(name, ['api', 'tokens', index, 'name'], 'this name stands here twice');
    token(value, ['api', 'tokens', index, 'token'], 'this token is used already, here or by a receiver');
  });
  listOf(mapOf(root['deadlines'])['feedTokens']).forEach((value, index) =>
    token(
      value,
      ['deadlines', 'feedTokens', index],
      'this token is used already: one that stands in a calendar may open nothing else',
    ),
  );
}

/** A misspelt reader would see nothing, and nobody would know why. */
function checkReaders(root: Record<string, unknown>, report: Report): void {
  const names = listOf(mapOf(root['api'])['tokens']).map((entry) => mapOf(entry)['name']);
  const known = ['read', 'operate', ...names.filter((name) => typeof name === 'string')];
  listOf(mapOf(root['security'])['readers']).forEach((reader, index) => {
    if (typeof reader !== 'string' || known.includes(reader)) return;
    const hint = suggest(reader, known);
    report.fault(['security', 'readers', index], `${quoted(reader)} is neither a role nor the name of an API token`, {
      hint,
    });
  });
}

/** Evidence is asked for by the identity that reads Azure, about resources that the estate knows. */
function checkEvidence(root: Record<string, unknown>, report: Report): void {
  const given = root['evidence'];
  if (typeof given !== 'object' || given === null) return;
  const { azure, estate } = root;
  if (typeof azure !== 'object' || azure === null)
    report.fault(['evidence'], 'needs azure: metrics and logs are read with its identity', { hint: 'add azure: {}' });
  else if (mapOf(estate)['enabled'] === false)
    report.warn(['evidence'], 'does nothing while estate.enabled is false: nobody knows what of yours is hit');
}

/** The activity log is one more source of back-fill, read by the same identity. */
function checkActivityLog(root: Record<string, unknown>, report: Report): void {
  const backfill = mapOf(root['backfill']);
  const [given, path] = [backfill['activityLog'], ['backfill', 'activityLog']];
  if (typeof given !== 'object' || given === null) return;
  if (typeof root['azure'] !== 'object' || root['azure'] === null)
    report.fault(path, 'needs azure: the activity log is read with its identity', { hint: 'add azure: {}' });
  else if (backfill['enabled'] === false) report.warn(path, 'does nothing while backfill.enabled is false');
}

function checkWords(
  value: unknown,
  { path, known, report }: { path: ConfigPath; known: string[]; report: Report },
): void {
  const words = Array.isArray(value) ? (value as unknown[]) : [value];
  words.forEach((word, index) => {
    if (typeof word !== 'string' || word === '' || isKnownWord(word, known)) return;
    const place = Array.isArray(value) ? [...path, index] : path;
    const key = path.at(-1);
    const what = key === 'estate' ? 'nothing that estate can be' : `no ${String(key)}`;
    report.fault(place, `${quoted(word)} is ${what}`, { hint: suggest(word, known) });
  });
}

/** Whether a word of a match can hold: known in any case, as routes compare, or a pattern. */
export function isKnownWord(word: string, known: readonly string[]): boolean {
  return /[*?]/.test(word) || known.includes(word.toLowerCase());
}

/** Outages, security posts and the like are never damped: whoever asks for that should know. */
function checkDamped(route: Record<string, unknown>, index: number, report: Report): void {
  const kinds = [mapOf(route['match'])['kind'] ?? '*'].flat();
  const damped = (kind: unknown): boolean =>
    typeof kind !== 'string' || /[*?]/.test(kind) || ['alert', 'resource'].includes(kind.toLowerCase());
  for (const key of ['sustained', 'flapping']) {
    if (kinds.some(damped) || route[key] === undefined || route[key] === null) continue;
    const message = `${key} holds for alerts and resources only, which this route never takes`;
    report.warn(['routes', index, key], message, { at: 'key' });
  }
}

function warnAboutCover(root: Record<string, unknown>, context: NameContext & { routes: unknown[] }): void {
  const { destinations, routes, report } = context;
  if (Object.keys(destinations).length === 0) {
    report.warn(['destinations'], 'there are no destinations: incidents are recorded and nobody is told');
    return;
  }
  const catchAll = routes.findIndex((route) => isCatchAll(route));
  const stops = routes.findIndex((route) => isCatchAll(route) && mapOf(route)['stop'] === true);
  if (stops >= 0 && stops < routes.length - 1) {
    report.warn(['routes', stops + 1], `is never reached: routes[${stops}] takes every incident and stops`);
  }
  if (catchAll < 0 && listOf(root['default']).length === 0) {
    report.warn(['routes'], 'an incident that no route takes goes to every destination', {
      hint: 'add default: [...] or a last route with match: {}',
      at: 'key',
    });
  }
}

/** Takes every incident: asks for nothing, or for any kind and severity. */
function isCatchAll(route: unknown): boolean {
  const match = mapOf(route)['match'];
  if (typeof match !== 'object' || match === null) return false;
  return Object.entries(match).every(
    ([key, value]) => ['kind', 'severity'].includes(key) && [value].flat().includes('*'),
  );
}

function mapOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}
