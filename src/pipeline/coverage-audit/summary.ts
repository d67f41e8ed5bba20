/**
 * The weekly summary: one message to one destination, once per week over all replicas. It is about no incident and so no
 * delivery: the row of the week is its record. A process that dies while it sends takes that week's summary with it.
 */
import type { Pool } from 'pg';
import type { Outcome, Step } from '#src/core/adapter.ts';
import type { RelayConfig } from '#src/config/types.ts';
import { coverageLine, coverageSentences } from '#src/core/coverage-words.ts';
import { isWell } from '#src/core/coverage.ts';
import { sha256Hex } from '#src/core/fingerprint.ts';
import { weeklyDue } from '#src/core/weekly.ts';
import { claimSummary, endSummary } from '#src/db/coverage.ts';
import type { CallAdapter } from '../lane-calls.ts';
import { openingStep } from '../opening-step.ts';
import type { CoverageView } from './view.ts';

const AGAIN_MS = 5 * 60_000;
/** A page shows them all; a message need not. */
const SENTENCES_MAX = 20;

export interface SummaryOptions {
  pool: Pool;
  config: RelayConfig;
  view: CoverageView;
  call: CallAdapter;
  signal: AbortSignal;
  now: Date;
}

/** Null where none was due, or another process has it. */
export async function sendSummary(options: SummaryOptions): Promise<{ week: string; outcome: Outcome } | null> {
  const { pool, config, view, call, signal, now } = options;
  const summary = config.coverage?.summary ?? null;
  const destination = config.destinations.find((one) => one.name === summary?.to);
  // Before the first audit was tried there is nothing to say.
  if (summary === null || !destination || view.triedAt === null) return null;
  const week = weeklyDue({ ...summary, timezone: destination.timezone }, now.getTime());
  if (week === null || !(await claimSummary(pool, week))) return null;
  const vendorKey = sha256Hex(`${config.relayId}\ncoverage ${week}\n${destination.id}`);
  const outcome = await call(destination, summaryStep(view, { week, publicUrl: config.publicUrl, now }), {
    vendorKey,
    stepKey: `coverage_${vendorKey.slice(0, 24)}`,
    memo: {},
    settling: false,
    signal,
  });
  await endSummary(pool, week, { outcome: outcome.outcome, againInMs: AGAIN_MS });
  return { week, outcome };
}

/** A note: it opens no ticket and wakes nobody. */
export function summaryStep(
  { audit, unknown, takenAt }: CoverageView,
  { week, publicUrl, now }: { week: string; publicUrl: string | null; now: Date },
): Step {
  const line = audit === null ? 'not known' : coverageLine(audit);
  const title = unknown === null ? line : `unknown: ${unknown}`;
  const sentences = audit === null ? [] : coverageSentences(audit).slice(0, SENTENCES_MAX);
  const aged = unknown === null || takenAt === null ? [] : [`The last audit was at ${takenAt}: ${line}.`];
  const well = unknown === null && audit !== null && isWell(audit);
  return openingStep(
    {
      id: `coverage-${week}`,
      identity: `relay/coverage/${week}`,
      kind: 'advisory',
      severity: well ? 'info' : 'warning',
      title,
      headline: `[Coverage] ${title}`,
      stage: 'Weekly summary',
      firstSeenAt: now.toISOString(),
    },
    {
      action: 'note',
      changes: well ? ['Nothing was found.'] : [...aged, ...sentences],
      audience: { subscriptions: [], total: audit?.subscriptions.length ?? 0 },
      links: { timeline: publicUrl === null ? null : `${publicUrl}/sources`, portal: null },
    },
  );
}
