/**
 * Coverage: from which subscriptions Service Health news would reach us, and what is wrong with the others. Pure
 * judgement over what was read; what could not be read is `unknown`, and never "all is well".
 */
import {
  waysOf,
  type CoveragePath,
  type EventType,
  type ExportFacts,
  type GroupFacts,
  type Obstacle,
  type RuleFacts,
  type Stray,
} from './coverage-paths.ts';

/** Kinds of findings, the gravest first. The list is closed: it is a metric label too. */
export const COVERAGE_FINDINGS = [
  'no-rule',
  'no-group',
  'group-empty',
  'elsewhere',
  'rule-off',
  'group-off',
  'group-not-global',
  'wrong-address',
  'entry-refused',
  'types-missing',
  'services-missing',
  'unseen',
  'changed',
  'narrowed',
  'plain-webhook',
  'unlisted',
] as const;
export type CoverageFindingKind = (typeof COVERAGE_FINDINGS)[number];

/** What somebody may have decided for. The others cost news. */
export const IGNORABLE = ['changed', 'narrowed', 'plain-webhook', 'unlisted'] as const satisfies CoverageFindingKind[];

export interface CoverageFinding {
  kind: CoverageFindingKind;
  /** One sentence without the subscription's name. */
  detail: string;
}

/**
 * `covered`: news comes. `weak`: news comes, but not all of it, or not as it should. `uncovered`: none comes.
 * `unknown`: it could not be told. `exempt`: by the config.
 */
export const COVERAGE_STATUSES = ['uncovered', 'unknown', 'weak', 'covered', 'exempt'] as const;
export type CoverageStatus = (typeof COVERAGE_STATUSES)[number];

export interface SubscriptionCoverage {
  subscription: string;
  name: string | null;
  status: CoverageStatus;
  findings: CoverageFinding[];
  /** Those of the last audit that could tell, where this one could not. */
  paths: CoveragePath[];
  /** When a signal of it last brought something new of place; null where none ever did. */
  lastHeardAt: string | null;
}

export interface Audit {
  subscriptions: SubscriptionCoverage[];
  /** Heard from, and not among those that the estate names. */
  unlisted: { subscription: string; lastHeardAt: string }[];
}

export interface CoverageInput {
  subscriptions: readonly { id: string; name: string | null }[];
  /** Named in the config, and not shown by Azure. */
  unseen: readonly string[];
  rules: readonly RuleFacts[];
  groups: ReadonlyMap<string, GroupFacts>;
  exports: readonly ExportFacts[];
  /** Why the diagnostic settings of a subscription could not be read. */
  exportsUnread: ReadonlyMap<string, string>;
  /** Newest news by subscription, ISO 8601. */
  heard: ReadonlyMap<string, string>;
  /** Changes of the last week by subscription. */
  changes: ReadonlyMap<string, readonly string[]>;
  before: Audit | null;
  wanted: {
    types: readonly EventType[];
    services: readonly string[];
    exempt: readonly string[];
    ignore: readonly CoverageFindingKind[];
  };
}

/** Judges every subscription; those with the gravest findings first. */
export function judgeCoverage(input: CoverageInput): Audit {
  const { heard, wanted, unseen } = input;
  const before = new Map(input.before?.subscriptions.map((one) => [one.subscription, one]));
  // Thousands of subscriptions, each with a rule or two: nobody looks through all rules for each of them.
  const rules = Map.groupBy(input.rules, (rule) => rule.subscription);
  const exports = Map.groupBy(input.exports, (one) => one.subscription);
  const of = (id: string): CoverageInput => ({ ...input, rules: rules.get(id) ?? [], exports: exports.get(id) ?? [] });
  const rows = [
    ...input.subscriptions.map((one) => judgeOne(one, of(one.id), before.get(one.id))),
    ...unseen.map((id) => unseenRow(id, input, before.get(id))),
  ];
  const known = new Set(rows.map((row) => row.subscription));
  const unlisted = [...heard]
    .filter(([id]) => !known.has(id) && !wanted.exempt.includes(id) && !wanted.ignore.includes('unlisted'))
    .map(([subscription, lastHeardAt]) => ({ subscription, lastHeardAt }));
  return {
    subscriptions: rows.sort((a, b) => rank(a) - rank(b) || (a.subscription < b.subscription ? -1 : 1)),
    unlisted: unlisted.sort((a, b) => (a.subscription < b.subscription ? -1 : 1)),
  };
}

/** Whether anything at all stands against "all is well". */
export function isWell({ subscriptions, unlisted }: Audit): boolean {
  return unlisted.length === 0 && subscriptions.every(({ status }) => status === 'covered' || status === 'exempt');
}

function rank({ status, findings }: SubscriptionCoverage): number {
  const kind = findings[0] ? COVERAGE_FINDINGS.indexOf(findings[0].kind) : 0;
  return COVERAGE_STATUSES.indexOf(status) * 100 + kind;
}

function unseenRow(id: string, input: CoverageInput, before: SubscriptionCoverage | undefined): SubscriptionCoverage {
  const base = { subscription: id, name: before?.name ?? null, lastHeardAt: input.heard.get(id) ?? null };
  if (input.wanted.exempt.includes(id)) return { ...base, status: 'exempt', findings: [], paths: [] };
  const detail =
    'Azure does not show this subscription to the identity: it lacks Reader there, or the subscription is gone';
  return { ...base, status: 'unknown', findings: [{ kind: 'unseen', detail }], paths: before?.paths ?? [] };
}

function judgeOne(
  { id, name }: { id: string; name: string | null },
  input: CoverageInput,
  before: SubscriptionCoverage | undefined,
): SubscriptionCoverage {
  const { wanted, heard, exportsUnread, changes } = input;
  const { paths, strays } = waysOf(id, input);
  const base = { subscription: id, name, paths, lastHeardAt: heard.get(id) ?? null };
  if (wanted.exempt.includes(id)) return { ...base, status: 'exempt', findings: [] };
  const open = paths.filter((path) => path.obstacles.length === 0);
  const drift = (changes.get(id) ?? []).map((detail): CoverageFinding => ({ kind: 'changed', detail }));
  const kept = (findings: CoverageFinding[]): CoverageFinding[] =>
    [...findings, ...drift]
      .filter(({ kind }) => !wanted.ignore.includes(kind))
      .sort((a, b) => COVERAGE_FINDINGS.indexOf(a.kind) - COVERAGE_FINDINGS.indexOf(b.kind));
  if (open.length > 0) {
    const findings = kept(weaknesses(open, wanted));
    return { ...base, status: findings.length > 0 ? 'weak' : 'covered', findings };
  }
  const hidden = strays.filter((stray) => stray.why === 'group-unseen' || stray.why === 'hidden');
  const unread = exportsUnread.get(id);
  const doubts: CoverageFinding[] = hidden.map((stray) => ({ kind: 'unseen', detail: strayInWords(stray) }));
  if (unread !== undefined)
    doubts.push({ kind: 'unseen', detail: `whether a diagnostic setting exports to us could not be read: ${unread}` });
  const findings = kept([...missing(paths, strays), ...doubts]);
  if (doubts.length > 0) return { ...base, status: 'unknown', findings, paths: before?.paths ?? paths };
  return { ...base, status: 'uncovered', findings };
}

/** Why nothing comes: what stands in the clearest way; without one, where the rules lead. */
function missing(paths: readonly CoveragePath[], strays: readonly Stray[]): CoverageFinding[] {
  const [nearest] = paths.toSorted((a, b) => a.obstacles.length - b.obstacles.length);
  if (nearest) return nearest.obstacles.map((kind) => ({ kind, detail: obstacleInWords(kind, nearest) }));
  const told = strays.flatMap((stray): CoverageFinding[] => {
    const { why } = stray;
    return why === 'group-unseen' || why === 'hidden' ? [] : [{ kind: why, detail: strayInWords(stray) }];
  });
  if (strays.length > 0) return told;
  return [{ kind: 'no-rule', detail: 'no activity-log alert rule takes Service Health for the subscription' }];
}

function weaknesses(open: readonly CoveragePath[], wanted: CoverageInput['wanted']): CoverageFinding[] {
  const findings: CoverageFinding[] = [];
  const types = wanted.types.filter((type) => !open.some((path) => path.types.includes(type)));
  if (types.length > 0)
    findings.push({ kind: 'types-missing', detail: `these event types do not come: ${types.join(', ')}` });
  const services = wanted.services.filter((service) => !open.some((path) => takesService(path, service)));
  if (services.length > 0)
    findings.push({ kind: 'services-missing', detail: `these services do not come: ${services.join(', ')}` });
  if (open.every((path) => path.narrowed.length > 0)) {
    const [path] = open;
    const detail = `rule ${path!.rule} asks for ${path!.narrowed.join(' and ')}: the rest, perhaps the end, does not come`;
    findings.push({ kind: 'narrowed', detail });
  }
  // One secure way is enough for the news, and takes nothing from the plain one beside it.
  for (const path of open.filter((one) => one.via === 'webhook' && !one.secure))
    findings.push({
      kind: 'plain-webhook',
      detail: `action group ${path.group} calls a plain webhook: its token stands in the address, for every reader of the group`,
    });
  return findings;
}

function takesService({ services }: CoveragePath, wanted: string): boolean {
  return services === null || services.some((service) => service.toLowerCase() === wanted.toLowerCase());
}

/** What stands in a way, as a sentence. */
export function obstacleInWords(obstacle: Obstacle, path: CoveragePath): string {
  switch (obstacle) {
    case 'rule-off':
      return `rule ${path.rule} is off`;
    case 'group-off':
      return `action group ${path.group} is off`;
    case 'group-not-global':
      return `action group ${path.group} is in ${path.groupLocation}: Service Health calls groups in Global only`;
    case 'wrong-address':
      return `action group ${path.group} calls ${path.to}, where we have no receiver`;
    case 'entry-refused':
      return `action group ${path.group} calls ${path.to} with a token that we do not know, or with none`;
  }
}

function strayInWords({ rule, group, why }: Stray): string {
  switch (why) {
    case 'no-group':
      return `rule ${rule} has no action group`;
    case 'group-unseen':
      return `action group ${group} of rule ${rule} is gone, or the identity may not see it`;
    case 'group-empty':
      return `action group ${group} of rule ${rule} has no receiver`;
    case 'elsewhere':
      return `action group ${group} of rule ${rule} tells others, not us`;
    case 'hidden':
      return `where action group ${group} of rule ${rule} calls is not shown`;
  }
}
