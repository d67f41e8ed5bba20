/** Reads `destinations`: the common keys here, the rest through each adapter's own schema, targets against the egress rules. */
import type { Adapter } from '#src/core/adapter.ts';
import { checkTarget, type EgressRules } from '#src/http/egress.ts';
import { quoted, type ConfigPath, type Report } from './fault.ts';
import { reportIssues } from './issues.ts';
import { COMMON_KEYS, CommonKeys, name as destinationName } from './schema-common.ts';
import { maskedDestination } from './secrets.ts';
import { suggest } from './suggest.ts';
import type { Destination } from './types.ts';

export interface DestinationsOptions {
  adapters: readonly Adapter[];
  egress: EgressRules;
  report: Report;
}

/** Destinations without a fault, in the order of the file. Every fault is reported, also beside an unknown type. */
export function readDestinations(
  value: Readonly<Record<string, unknown>>,
  options: DestinationsOptions,
): Destination[] {
  const { report } = options;
  const found: Destination[] = [];
  const owners = new Map<string, string>();
  for (const [name, given] of Object.entries(value)) {
    const path = ['destinations', name];
    if (!destinationName.safeParse(name).success) {
      report.fault(path, 'is no name for a destination', {
        hint: 'letters, digits, dots, dashes and underscores, at most 63',
        at: 'key',
      });
    }
    if (typeof given !== 'object' || given === null || Array.isArray(given)) {
      report.fault(path, 'must be a map with at least a type', { at: 'key' });
      continue;
    }
    const entries = given as Record<string, unknown>;
    const id = typeof entries['id'] === 'string' ? entries['id'] : name;
    const owner = owners.get(id);
    if (owner !== undefined) {
      report.fault([...path, 'id'], `the id ${quoted(id)} is taken by the destination ${quoted(owner)}`, {
        hint: 'two destinations with one id would share their vendor keys',
      });
    }
    owners.set(id, name);
    const destination = readDestination(entries, { ...options, name, path });
    if (destination !== null) found.push(destination);
  }
  return found;
}

/** What tells one account behind a destination from another; short, and leads back to no secret. */
export function accountOf({ adapter, settings }: Pick<Destination, 'adapter' | 'settings'>): string {
  return adapter.accountKey(settings).slice(0, 12);
}

type OneOptions = DestinationsOptions & { name: string; path: ConfigPath };

function readDestination(given: Record<string, unknown>, options: OneOptions): Destination | null {
  const { report, name, path } = options;
  const before = report.faults.length;
  const adapter = adapterOf(given['type'], options);
  const common = readCommon(given, options);
  const settings = adapter === null ? undefined : readSettings(given, { ...options, adapter });
  if (adapter === null || common === null || settings === undefined || report.faults.length > before) return null;
  if (common.failOpen === true && adapter.repeat !== 'key') {
    report.fault(
      [...path, 'failOpen'],
      `cannot be true for ${adapter.kind}: it does not recognise a repeated opening`,
      {
        hint: 'only vendors that dedup by key can be opened without the database',
      },
    );
  }
  checkTargets(settings, { ...options, adapter });
  if (report.faults.length > before) return null;
  const { id, updates, concurrency, failOpen, fallback, ...rest } = common;
  return maskedDestination({
    name,
    id: id ?? name,
    type: adapter.kind,
    adapter,
    settings,
    updates: updates ?? { policy: adapter.defaults.updates },
    concurrency: concurrency ?? adapter.defaults.concurrency,
    failOpen: failOpen ?? (adapter.repeat === 'key' && adapter.defaults.failOpen),
    fallback: fallback ?? null,
    ...rest,
  });
}

function adapterOf(type: unknown, { adapters, report, path }: OneOptions): Adapter | null {
  const kinds = adapters.map((adapter) => adapter.kind);
  const found = adapters.find((adapter) => adapter.kind === type);
  if (found !== undefined) return found;
  if (type === undefined) report.fault([...path, 'type'], 'is missing', { hint: suggest('', kinds) });
  else
    report.fault([...path, 'type'], `unknown type ${quoted(type)}`, {
      hint: suggest(typeof type === 'string' ? type : '', kinds),
    });
  return null;
}

function readCommon(given: Record<string, unknown>, { report, path }: OneOptions): CommonKeys | null {
  const value = pick(given, (key) => COMMON_KEYS.includes(key) && key !== 'type');
  const parsed = CommonKeys.safeParse(value);
  if (parsed.success) return parsed.data;
  reportIssues(parsed.error, { report, base: path, schema: CommonKeys, value });
  return null;
}

function readSettings(
  given: Record<string, unknown>,
  { report, path, adapter }: OneOptions & { adapter: Adapter },
): unknown {
  const value = pick(given, (key) => !COMMON_KEYS.includes(key));
  const parsed = adapter.settings.safeParse(value);
  if (parsed.success) return parsed.data;
  reportIssues(parsed.error, { report, base: path, schema: adapter.settings, alsoKnown: COMMON_KEYS, value });
  return undefined;
}

function checkTargets(settings: unknown, { adapter, egress, report, path }: OneOptions & { adapter: Adapter }): void {
  for (const target of adapter.targets(settings)) {
    const problem = checkTarget(target, egress);
    if (problem === null) continue;
    const hint = problem.includes('egress.allow') ? '' : 'see egress.allow in docs/configure.md';
    report.fault(path, `its target is refused: ${problem}`, { hint, at: 'key' });
  }
}

function pick(given: Record<string, unknown>, wanted: (key: string) => boolean): Record<string, unknown> {
  return Object.fromEntries(Object.entries(given).filter(([key]) => wanted(key)));
}
