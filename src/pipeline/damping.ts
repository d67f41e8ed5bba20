/**
 * `sustained` and `flapping` for what is due at a destination: which routes ask, what was reported, what follows
 * (docs/adr/sustained-and-flapping.md). Whatever fails here is logged, and nothing is held back for it (design 3.7).
 */
import type { Pool } from 'pg';
import type { Step } from '#src/core/adapter.ts';
import { dampingRules, judgeDamping, lookback, type DampingRules } from '#src/core/damping.ts';
import type { EstateView } from '#src/core/estate-facts.ts';
import { isOpen } from '#src/core/incident.ts';
import type { Destination, RelayConfig } from '#src/config/types.ts';
import { clearFlapping, findFollowed, markFlapping, readReports, takeOverPages } from '#src/db/damping.ts';
import type { DueDelivery } from '#src/db/due.ts';
import { judgeRoutes } from './routing.ts';
import { scopeOf, type ScopeCache } from './scope-cache.ts';

export interface DampingOptions {
  config: RelayConfig;
  nowMs: number;
  pool: Pool;
  scopes: ScopeCache;
  estate?: () => EstateView;
  /** Brings the scopes of the due rows into the cache. */
  warm(): Promise<void>;
  onError: (error: Error, context: Record<string, unknown>) => void;
}

/**
 * Fills in `damping` of each due row that a route wants damped. A row that goes on with the page of an earlier episode
 * is changed in place.
 */
export async function openDamping(
  target: Destination,
  due: readonly DueDelivery[],
  options: DampingOptions,
): Promise<void> {
  const { config, onError } = options;
  if (config.passThrough || !config.routes.some((route) => route.sustained || route.flapping)) return;
  const own = due.filter(
    ({ passThrough, fallbackOf, incident }) =>
      !passThrough && fallbackOf === null && (incident.kind === 'alert' || incident.kind === 'resource'),
  );
  if (own.length === 0) return;
  try {
    await options.warm();
    const asked = own.flatMap((row) => {
      const rules = rulesFor(target, row, options);
      return rules === null ? [] : [{ row, rules }];
    });
    if (asked.length > 0) await judgeRows(asked, options);
  } catch (error) {
    onError(error as Error, { what: 'damping', destination: target.name });
    for (const row of own) row.damping = null;
  }
}

async function judgeRows(
  asked: readonly { row: DueDelivery; rules: DampingRules }[],
  { pool, nowMs, onError }: DampingOptions,
): Promise<void> {
  const spans = asked.map(({ rules }) => lookback(rules));
  const incidents = asked.map(({ row }) => row.incident);
  const { reports, nowMs: theirs } = await readReports(pool, incidents, {
    turnsMs: Math.max(...spans.map((span) => span.turnsMs)),
    repeatsMs: Math.max(...spans.map((span) => span.repeatsMs)),
  });
  const at = { nowMs: theirs ?? nowMs };
  for (const { row, rules } of asked) {
    const { identity, episode } = row.incident;
    try {
      row.damping = judgeDamping(rules, reports.get(identity) ?? [], { episode, announced: row.announced, ...at });
    } catch (error) {
      onError(error as Error, { what: 'damping', delivery: row.id });
      row.damping = null;
    }
  }
  const rows = asked.map(({ row }) => row);
  await takeOver(pool, rows);
  await leaveFollowed(pool, rows);
}

function rulesFor(
  target: Destination,
  row: DueDelivery,
  { config, scopes, estate }: DampingOptions,
): DampingRules | null {
  const scope = scopes.getAtLeast(row.incidentId, row.incident.scopeCount)?.scope ?? scopeOf([]).scope;
  const { destinations } = judgeRoutes(config, row.incident, scope, estate?.());
  const match = destinations.find((one) => one.destination === target.name);
  if (!match || match.routes.length === 0) return null;
  return dampingRules(
    match.routes.map((index) => config.routes[index]!),
    row.incident,
  );
}

/** The page that says that it flaps goes on with the newest episode. */
async function takeOver(pool: Pool, rows: readonly DueDelivery[]): Promise<void> {
  const wanted = rows.flatMap(({ id, fence, told, incident, revisions, damping }) => {
    const last = revisions?.at(-1);
    if (told !== 'nothing' || incident.episode === 1 || !damping?.flapping || !last || !isOpen(last.snapshot.state))
      return [];
    return [{ id, fence, until: iso(damping.flapping.untilMs) }];
  });
  if (wanted.length === 0) return;
  const taken = new Map((await takeOverPages(pool, wanted)).map((one) => [one.id, one]));
  for (const row of rows) {
    const one = taken.get(row.id);
    if (one && row.damping)
      Object.assign(row, one, { told: 'open', announced: true, damping: { ...row.damping, announced: true } });
  }
}

/** A page whose alert went on under another page is closed in the usual way. */
async function leaveFollowed(pool: Pool, rows: readonly DueDelivery[]): Promise<void> {
  const ended = rows.filter((row) => row.announced && row.told === 'open' && !isOpen(row.incident.state));
  if (ended.length === 0) return;
  const ids = ended.map((row) => row.id);
  const followed = await findFollowed(pool, ids);
  for (const row of ended) if (followed.has(row.id) && row.damping) row.damping = { ...row.damping, announced: false };
}

/** Openings that say so are known as flapping from here on. A failure costs the next episode its place on that page. */
export async function markFlappingSteps(
  pool: Pool,
  steps: readonly { row: DueDelivery; plan: { action: Step['action'] } }[],
  onError: DampingOptions['onError'],
): Promise<void> {
  const marks = steps.flatMap(({ row, plan }) => {
    const flaps = row.damping?.flapping;
    if (plan.action !== 'open' || flaps?.state !== 'flapping') return [];
    return [{ id: row.id, fence: row.fence, until: iso(flaps.untilMs) }];
  });
  if (marks.length === 0) return;
  await markFlapping(pool, marks).catch((error: unknown) => onError(error as Error, { what: 'flapping' }));
}

/** What the message says of flapping; the step as it was where there is nothing to say. */
export function withRemark(step: Step, { damping }: DueDelivery): Step {
  const flaps = damping?.flapping;
  if (!flaps) return step;
  if (flaps.state === 'flapping' && step.action === 'open') {
    const sentence = `It is flapping: ${flaps.words}. Nothing more is sent until it has been quiet.`;
    return { ...step, remark: { word: 'FLAPPING', sentence } };
  }
  if (flaps.state !== 'stopped' || !damping?.announced || step.action === 'open' || step.action === 'note') return step;
  const sentence = `It has stopped flapping (${flaps.words}) and is now ${step.action === 'update' ? 'active' : 'resolved'}.`;
  return { ...step, remark: { word: 'STOPPED FLAPPING', sentence } };
}

/** After an accepted step: whatever the destination was told after that opening, its page no longer counts as flapping. */
export async function settleFlapping(pool: Pool, row: DueDelivery, step: Step): Promise<void> {
  if (step.action !== 'open') await clearFlapping(pool, row.id);
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
