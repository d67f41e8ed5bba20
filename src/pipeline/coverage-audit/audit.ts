/** One coverage audit: read Azure, strip what is secret, judge, say what changed, store. */
import type { Pool } from 'pg';
import { listExports, readCoverage, type RawCoverage } from '#src/azure/coverage-read.ts';
import { AzureError, type AzureSession } from '#src/azure/session.ts';
import type { AzureConfig, RelayConfig } from '#src/config/types.ts';
import { driftOf } from '#src/core/coverage-drift.ts';
import { judgeCoverage, type Audit, type CoverageInput } from '#src/core/coverage.ts';
import { waysOf, type ExportFacts } from '#src/core/coverage-paths.ts';
import { safeLine } from '#src/core/safe.ts';
import { addChanges, loadCoverage, readChanges, readHeard, saveCoverage } from '#src/db/coverage.ts';
import { transaction } from '#src/db/pools.ts';
import { exportFacts, groupFacts } from './facts.ts';

/** A change is a finding for a week, so that each weekly summary has it once. */
const CHANGED_DAYS = 7;
const KEPT_DAYS = 90;
const REASON_CHARS_MAX = 200;

/** Rejects when rules, groups or subscriptions cannot be read; then the last audit stands. */
export async function auditCoverage(
  session: AzureSession,
  { pool, config, signal }: { pool: Pool; config: RelayConfig & { azure: AzureConfig }; signal: AbortSignal },
): Promise<Audit> {
  const asked = config.azure.subscriptions;
  const raw = await readCoverage(session, { subscriptions: asked === 'all' ? null : asked });
  // Nothing at all is a missing role and no estate without subscriptions.
  if (raw.subscriptions.length + raw.off.length === 0) throw new AzureError('the identity sees no subscription', 200);
  const groups = new Map(raw.groups.map((group) => [group.id, groupFacts(group, config)]));
  const shown = new Set([...raw.subscriptions.map((one) => one.id), ...raw.off]);
  const unseen = asked === 'all' ? [] : asked.filter((id) => !shown.has(id));
  const base = { ...raw, groups, unseen };
  const { exports, exportsUnread } = await readExports(session, base, { config, signal });
  const heard = new Map([...(await readHeard(pool))].filter(([id]) => !raw.off.includes(id)));
  const { types, services, exempt, ignore } = config.coverage!;
  return transaction(pool, async (db) => {
    const before = (await loadCoverage(db, null))?.data ?? null;
    const input: CoverageInput = {
      ...base,
      exports,
      exportsUnread,
      heard,
      before,
      changes: new Map(),
      wanted: { types, services, exempt, ignore },
    };
    const drift = driftOf(before, judgeCoverage(input));
    const fresh = [...drift].flatMap(([subscription, details]) => details.map((detail) => ({ subscription, detail })));
    await addChanges(db, fresh, KEPT_DAYS);
    const changes = Map.groupBy(await readChanges(db, CHANGED_DAYS), (one) => one.subscription);
    const said = [...changes].map(([id, list]) => [id, [...new Set(list.map((one) => one.detail))]] as const);
    const audit = judgeCoverage({ ...input, changes: new Map(said) });
    await saveCoverage(db, audit);
    return audit;
  });
}

/** Only where no rule leads to us, and only while we read hubs: one call per subscription. */
async function readExports(
  session: AzureSession,
  facts: Pick<CoverageInput, 'rules' | 'groups'> & Pick<RawCoverage, 'subscriptions'>,
  { config, signal }: { config: RelayConfig; signal: AbortSignal },
): Promise<{ exports: ExportFacts[]; exportsUnread: Map<string, string> }> {
  const exports: ExportFacts[] = [];
  const exportsUnread = new Map<string, string>();
  const hubs = config.receivers.eventHubs.length > 0;
  const rules = Map.groupBy(facts.rules, (rule) => rule.subscription);
  for (const { id } of hubs ? facts.subscriptions : []) {
    if (config.coverage!.exempt.includes(id)) continue;
    const { paths } = waysOf(id, { groups: facts.groups, rules: rules.get(id) ?? [], exports: [] });
    if (paths.some((path) => path.obstacles.length === 0)) continue;
    try {
      exports.push(...exportFacts(await listExports(session, id), id, config));
    } catch (error) {
      if (signal.aborted || !(error instanceof AzureError)) throw error;
      exportsUnread.set(id, safeLine(error.message, REASON_CHARS_MAX));
    }
  }
  return { exports, exportsUnread };
}
