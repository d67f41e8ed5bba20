/** Reads `relay.yaml` into a config, or says everything that is wrong with it at once. */
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { z } from 'zod';
import type { Adapter } from '#src/core/adapter.ts';
import { checkCanary } from './canary.ts';
import { checkCoverage } from './coverage.ts';
import { readDestinations } from './destinations.ts';
import { createReport, type Fault, type Report } from './fault.ts';
import { besideConfig, interpolate } from './interpolate.ts';
import { reportIssues } from './issues.ts';
import { readOwners } from './owners.ts';
import { checkPeer } from './peer.ts';
import { checkReferences } from './references.ts';
import { RelayDocument } from './schema.ts';
import { maskCanary, masked, redactor, SECRET } from './secrets.ts';
import { readSubscriptions } from './subscriptions.ts';
import type { RelayConfig } from './types.ts';
import { readYaml } from './yaml.ts';

export interface LoadOptions {
  /** Path of the config; relative paths inside start from its folder. */
  file: string;
  env: Readonly<Record<string, string | undefined>>;
  adapters: readonly Adapter[];
  /** Text of a file beside the config; throws when it cannot be read. */
  readFile?: (path: string) => string;
}

export type LoadResult =
  /** `sections`: top-level keys that the file has, written empty ones included. */
  (
    | { ok: true; config: RelayConfig; warnings: Fault[]; sections: string[] }
    /** `warnings` as far as they could be found. */
    | { ok: false; faults: Fault[]; warnings: Fault[] }
  ) & {
    /** What it was read from, the config first: secrets, owners, subscriptions. Also those that could not be read. */
    files: string[];
  };

/** Reads a config from disk. A file that cannot be read is a fault like any other; never throws. */
export function loadConfigFile(options: LoadOptions): LoadResult {
  try {
    return loadConfig(readText(options.file), options);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    const hint = 'npm run relay -- init writes one; RELAY_CONFIG names another';
    const fault = { line: 1, column: 1, path: '', message: `cannot be read (${code})`, hint };
    return { ok: false, faults: [fault], warnings: [], files: [options.file] };
  }
}

/** Reads a config from its text. All faults come at once, each with its line; no message holds a secret. */
export function loadConfig(text: string, options: LoadOptions): LoadResult {
  const source = readYaml(text);
  const report = createReport(source.locate);
  report.faults.push(...source.faults);
  report.warnings.push(...source.warnings);
  const files = [options.file];
  if (source.faults.length > 0 && source.value === null)
    return { ok: false, faults: report.faults, warnings: [], files };
  const { env } = options;
  const readFile = (path: string): string => {
    files.push(path);
    return (options.readFile ?? readText)(path);
  };
  const folder = dirname(options.file);
  const { value, filledIn } = interpolate(source.value ?? {}, { env, readFile, folder, report });
  const config = build(withoutEmptySections(value), { ...options, readFile, folder, report });
  const hide = redactor(filledIn.filter((secret) => secret.length >= FILLED_IN_CHARS_MIN));
  const clean = (list: readonly Fault[]): Fault[] =>
    list.map((fault) => ({ ...fault, message: hide(fault.message), hint: hide(fault.hint) }));
  const warnings = clean(report.warnings);
  if (config === null || report.faults.length > 0) return { ok: false, faults: clean(report.faults), warnings, files };
  return { ok: true, config, warnings, sections: Object.keys(recordOf(value)), files };
}

/** What comes from the environment may be a secret or a word such as `us`; only longer ones are hidden in messages. */
const FILLED_IN_CHARS_MIN = 8;

type BuildOptions = LoadOptions & { readFile: (path: string) => string; folder: string; report: Report };

function build(value: unknown, { adapters, readFile, folder, report }: BuildOptions): RelayConfig | null {
  const parsed = RelayDocument.safeParse(value);
  if (!parsed.success) reportIssues(parsed.error, { report, base: [], schema: RelayDocument, value });
  checkReferences(value, report);
  // Read from the raw document where the whole is broken: their faults belong into the same answer.
  const raw = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  const egress = parsed.success ? parsed.data.egress : { allow: strings(raw['egress']) };
  const destinations = readDestinations(recordOf(raw['destinations']), { adapters, egress, report });
  const subscriptions = readSubscriptions(raw['subscriptions'], { readFile, folder, report });
  const owners = readOwners(raw['owners'], { readFile, folder, report });
  if (!parsed.success) return null;
  const config: RelayConfig = {
    ...parsed.data,
    ...azureSections(parsed.data, folder),
    destinations,
    subscriptions,
    owners,
  };
  const names = Object.keys(recordOf(raw['destinations']));
  checkCanary(config, { destinations, names, report });
  checkCoverage(config, { names, report });
  checkPeer(config, { destinations, report });
  maskCanary(config);
  if (config.peer !== null) masked(config.peer, (shown) => ({ ...shown, token: SECRET }));
  if (config.azure !== null) {
    masked(config.azure, (shown) => ({ ...shown, accessToken: shown.accessToken === null ? null : SECRET }));
  }
  for (const entry of [...config.receivers.tokens, ...config.api.tokens])
    masked(entry, (shown) => ({ ...shown, token: SECRET }));
  masked(config.deadlines, (shown) => ({ ...shown, feedTokens: shown.feedTokens.map(() => SECRET) }));
  masked(config.callbacks, ({ pagerduty, servicenow }) => ({
    pagerduty: pagerduty && { secrets: pagerduty.secrets.map(() => SECRET) },
    servicenow: servicenow && { token: SECRET },
  }));
  for (const hub of config.receivers.eventHubs) {
    masked(hub, (shown) => ({ ...shown, connectionString: shown.connectionString === null ? null : SECRET }));
  }
  return config;
}

/** What is left of the sections that need `azure` where it is absent, or that were turned off. */
function azureSections(
  { azure, backfill, estate }: Pick<z.output<typeof RelayDocument>, 'azure' | 'backfill' | 'estate'>,
  folder: string,
): Pick<RelayConfig, 'backfill' | 'estate'> {
  const { enabled: fills, ...times } = backfill;
  const { enabled: knows, ...reading } = estate;
  const file = reading.file === null ? null : besideConfig(reading.file, folder);
  return {
    backfill: fills && azure !== null ? times : null,
    estate: knows && (azure !== null || file !== null) ? { ...reading, file } : null,
  };
}

/** Their keys are names that people give: with nothing below, something was forgotten. */
const NAMED_SECTIONS = ['destinations', 'subscriptions'];

/**
 * `receivers:` with nothing below is how people comment a section out, and so is `tokens:` in it: the same as leaving it
 * away.
 */
function withoutEmptySections(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const kept = Object.entries(value as Record<string, unknown>).filter(([, section]) => section !== null);
  return Object.fromEntries(
    kept.map(([name, section]) => {
      if (NAMED_SECTIONS.includes(name) || typeof section !== 'object' || Array.isArray(section))
        return [name, section];
      return [name, Object.fromEntries(Object.entries(section ?? {}).filter(([, item]) => item !== null))];
    }),
  );
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function strings(egress: unknown): string[] {
  const allow = recordOf(egress)['allow'];
  return Array.isArray(allow) ? allow.filter((entry) => typeof entry === 'string') : [];
}

function readText(path: string): string {
  return readFileSync(path, 'utf8');
}
