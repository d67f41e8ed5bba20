/** The cases of `relay route-test`: read, run, compared. */
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { createReport, formatFaults } from '#src/config/fault.ts';
import { reportIssues } from '#src/config/issues.ts';
import { duration } from '#src/config/duration.ts';
import { suggest } from '#src/config/suggest.ts';
import { SilenceMatch } from '#src/config/schema-silences.ts';
import type { RelayConfig } from '#src/config/types.ts';
import { readYaml } from '#src/config/yaml.ts';
import type { Action } from '#src/core/adapter.ts';
import { explainRoutes } from '#src/core/route.ts';
import type { Silence } from '#src/core/silence.ts';
import { routeFacts } from '#src/pipeline/routing.ts';
import { Failure, type Io } from './command.ts';
import { foldPayloads, sourceOf, type FoldedPayloads } from './fold-payloads.ts';
import { parsePayload, readPayloadFile } from './payloads.ts';
import { playOf } from './damping-of.ts';
import { silencedBy } from './silenced.ts';

const expectation = z.strictObject({
  destinations: z.array(z.string()).optional(),
  kind: z
    .enum(['outage', 'maintenance', 'advisory', 'security', 'resource', 'alert', 'change', 'unrecognised'])
    .optional(),
  state: z.enum(['planned', 'active', 'resolved', 'closed']).optional(),
  severity: z.enum(['critical', 'error', 'warning', 'info']).optional(),
  silenced: z.array(z.string()).optional(),
  outcome: z.enum(['opened', 'updated', 'resolved', 'noted', 'duplicate', 'test', 'unrecognised']).optional(),
  messages: z.record(z.string(), z.array(z.enum(['open', 'update', 'resolve', 'note', 'retract']))).optional(),
});

/** A moment, counted from the first payload; 0 is the first itself. */
const moment = z.union([z.number().refine((ms) => ms === 0, 'is not a duration; write 0, 30s or 5m'), duration]);

const document = z.strictObject({
  cases: z
    .array(
      z
        .strictObject({
          name: z.string().min(1),
          source: z.string().optional(),
          payloads: z
            .array(
              z.union([z.string(), z.record(z.string(), z.unknown()), z.array(z.unknown())], {
                error: 'must be the name of a file, or the payload itself',
              }),
            )
            .min(1, 'must name at least one payload'),
          at: z.array(moment).optional(),
          until: duration.optional(),
          silences: z
            .array(z.strictObject({ match: SilenceMatch, destinations: z.array(z.string()).min(1).optional() }))
            .default([]),
          expect: expectation.refine((given) => Object.keys(given).length > 0, 'expects nothing'),
        })
        .superRefine(({ payloads, at }, context) => {
          if (at === undefined) return;
          const fault = (message: string): void => context.addIssue({ code: 'custom', path: ['at'], message });
          if (at.length !== payloads.length) fault('must hold one moment for each payload, such as [0, 3m]');
          else if (at.some((ms, index) => ms < (at[index - 1] ?? 0))) fault('must not go back in time');
        }),
    )
    .min(1, 'must hold at least one case'),
});

export interface RouteCase {
  name: string;
  source: string | undefined;
  /** Parsed. */
  payloads: unknown[];
  /** When each of them comes, counted from the first. */
  at: number[] | undefined;
  /** When it is looked at; the last payload where absent. */
  until: number | undefined;
  /** In force during the whole case. */
  silences: readonly Silence[];
  expect: z.infer<typeof expectation>;
}

export interface Difference {
  what: string;
  expected: string;
  got: string;
}

export interface CaseResult {
  name: string;
  ok: boolean;
  differences: Difference[];
  /** What the routes said; empty for a case that holds. */
  because: string[];
}

const OF_A_CASE = { id: 'case', author: 'the case', reason: '', fromMs: -Infinity, untilMs: Infinity };

/** Reads the cases and every payload they name. Throws {@link Failure} with all faults of the file. */
export function readCases(io: Io, file: string): RouteCase[] {
  const path = resolve(io.cwd, file);
  const source = readYaml(new TextDecoder().decode(readPayloadFile(path, io.cwd)));
  const report = createReport(source.locate);
  report.faults.push(...source.faults);
  const parsed = source.faults.length > 0 ? null : document.safeParse(source.value);
  if (parsed?.error) reportIssues(parsed.error, { report, base: [], schema: document, value: source.value });
  const cases: RouteCase[] = (parsed?.data?.cases ?? []).map((one, index) => ({
    ...one,
    source: one.source,
    at: one.at,
    until: one.until,
    silences: one.silences.map(({ match, destinations = null }) => ({ ...OF_A_CASE, match, destinations })),
    payloads: one.payloads.map((payload, position) => {
      if (typeof payload !== 'string') return payload;
      try {
        return parsePayload(readPayloadFile(payload, dirname(path)), payload);
      } catch (error) {
        report.fault(['cases', index, 'payloads', position], (error as Error).message);
        return null;
      }
    }),
  }));
  if (report.faults.length > 0) throw new Failure(formatFaults(report.faults, file));
  return cases;
}

/** Folds the payloads of a case and compares what came of them with what is expected. */
export function runCase(one: RouteCase, { config, now }: { config: RelayConfig; now: Date }): CaseResult {
  const folded = foldPayloads(one.payloads, {
    config,
    source: sourceOf(config, one.source),
    now,
    afterMs: one.at ?? [],
  });
  const got = standing(folded, config);
  const differences: Difference[] = [];
  for (const what of ['kind', 'state', 'severity', 'outcome'] as const) {
    const expected = one.expect[what];
    if (expected !== undefined && expected !== got[what])
      differences.push({ what, expected, got: got[what] ?? 'no incident' });
  }
  const { destinations } = one.expect;
  if (destinations !== undefined && !sameNames(destinations, got.destinations)) {
    differences.push({ what: 'destinations', expected: list(destinations), got: list(got.destinations) });
  }
  const { silenced } = one.expect;
  const last = folded.signals.at(-1)?.incident ?? null;
  const quiet = got.destinations.filter((name) => last && silencedBy(name, last, { config, now, more: one.silences }));
  if (silenced !== undefined && !sameNames(silenced, quiet))
    differences.push({ what: 'silenced', expected: list(silenced), got: list(quiet) });
  const untilMs = now.getTime() + (one.until ?? one.at?.at(-1) ?? 0);
  for (const [name, expected] of Object.entries(one.expect.messages ?? {})) {
    const heard = heardBy(name, folded, { config, untilMs });
    const same = heard.length === expected.length && heard.every((action, index) => action === expected[index]);
    if (!same) differences.push({ what: `messages to ${name}`, expected: inOrder(expected), got: inOrder(heard) });
  }
  const ok = differences.length === 0;
  return { name: one.name, ok, differences, because: ok ? [] : reasons(one, folded, config) };
}

/** What the last signal leaves behind. */
function standing({ signals }: FoldedPayloads, config: RelayConfig) {
  const last = signals.at(-1);
  const found = last?.incident ?? null;
  if (last !== undefined && last.outcome === 'test') {
    const destinations = config.tests === null ? [] : [config.tests];
    return { kind: null, state: null, severity: null, outcome: last.outcome, destinations };
  }
  return {
    kind: found?.incident.kind ?? null,
    state: found?.incident.state ?? null,
    severity: found?.incident.severity ?? null,
    outcome: last?.outcome ?? null,
    destinations: [...(found?.told.keys() ?? [])],
  };
}

function reasons({ expect }: RouteCase, { signals }: FoldedPayloads, config: RelayConfig): string[] {
  const known = config.destinations.map((destination) => destination.name);
  const named = [...(expect.destinations ?? []), ...(expect.silenced ?? []), ...Object.keys(expect.messages ?? {})];
  const unknown = named.filter((name) => !known.includes(name));
  const lines = unknown.map((name) => `the config has no destination ${JSON.stringify(name)}; ${suggest(name, known)}`);
  const found = signals.at(-1)?.incident ?? null;
  if (found === null) return lines;
  for (const { route, name, result, because } of explainRoutes(
    routeFacts(config, found.incident, found.scope),
    config.routes,
  )) {
    const why = because.length === 0 ? '' : `: ${because.join('; ')}`;
    lines.push(`routes[${route}]${name === null ? '' : ` ${name}`} ${result}${why}`);
  }
  if (found.decision.unrouted) lines.push('no route takes it: default, else every destination');
  return lines;
}

/** Actions at one destination over all incidents of the case, in order. */
function heardBy(
  name: string,
  { incidents }: FoldedPayloads,
  { config, untilMs }: { config: RelayConfig; untilMs: number },
): Action[] {
  const destination = config.destinations.find((one) => one.name === name);
  if (!destination) return [];
  const told = incidents.filter((one) => one.told.has(name));
  const stories = Map.groupBy(told, (one) => one.incident.identity);
  const messages = [...stories.values()].flatMap((episodes) => playOf(destination, episodes, { config, untilMs }));
  return messages.sort((a, b) => a.atMs - b.atMs).map((message) => message.action);
}

function inOrder(actions: readonly string[]): string {
  return actions.length === 0 ? 'none' : actions.join(', ');
}

function sameNames(left: readonly string[], right: readonly string[]): boolean {
  return list(left) === list(right);
}

function list(names: readonly string[]): string {
  return names.length === 0 ? 'nobody' : [...new Set(names)].toSorted().join(', ');
}
