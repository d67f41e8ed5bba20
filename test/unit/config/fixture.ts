/** Small adapters with real schemas, so that these tests do not move with the vendors', and short ways to load a text. */
import { z } from 'zod';
import type { Adapter } from '#src/core/adapter.ts';
import { formatFaults } from '#src/config/fault.ts';
import { loadConfig, type LoadOptions, type LoadResult } from '#src/config/load.ts';
import type { RelayConfig } from '#src/config/types.ts';
import { defineAdapter } from '#adapters/shared/define.ts';

const pagerSettings = z.strictObject({
  routingKey: z.string().length(32, 'must have 32 characters'),
  eventsUrl: z.url().optional(),
});
const hookSettings = z.strictObject({
  url: z.url({ error: 'must be an address' }),
  secret: z.string().min(8, 'must have at least 8 characters'),
  auth: z
    .discriminatedUnion('type', [
      z.strictObject({ type: z.literal('basic'), username: z.string(), password: z.string() }),
      z.strictObject({ type: z.literal('apiKey'), key: z.string() }),
    ])
    .optional(),
});

const pager = defineAdapter<z.infer<typeof pagerSettings>>({
  kind: 'pager',
  settings: pagerSettings,
  limits: {},
  repeat: 'key',
  defaults: { updates: 'lifecycle', failOpen: true, concurrency: 4 },
  deadlineMs: 1000,
  secrets: (settings) => [settings.routingKey],
  targets: (settings) => (settings.eventsUrl === undefined ? [] : [settings.eventsUrl]),
  accountKey: () => 'account',
  deliver: () => Promise.resolve({ outcome: 'accepted', receipt: { level: 'accepted' } }),
});

const hook = defineAdapter<z.infer<typeof hookSettings>>({
  kind: 'webhook',
  settings: hookSettings,
  limits: {},
  repeat: 'mark',
  defaults: { updates: 'each', failOpen: false, concurrency: 8 },
  deadlineMs: 1000,
  secrets: (settings) => [settings.secret],
  targets: (settings) => [settings.url],
  accountKey: () => 'account',
  deliver: () => Promise.resolve({ outcome: 'accepted', receipt: { level: 'accepted' } }),
});

export const adapters: readonly Adapter[] = [pager, hook];

export const PAGER_KEY = '0123456789abcdef0123456789abcdef';

/** A config without a fault; line 5 holds `oncall`, line 6 `hook`. */
export const GOOD = `relayId: contoso
receivers:
  tokens: [{ source: prod, token: "receiver-token-000000000001" }]
destinations:
  oncall: { type: pager, routingKey: "${PAGER_KEY}" }
  hook: { type: webhook, url: "https://example.org/hook", secret: "hook-secret-1" }
routes:
  - match: { kind: outage }
    to: [oncall, hook]
  - match: {}
    to: [hook]
`;

export function load(text: string, options: Partial<LoadOptions> = {}): LoadResult {
  return loadConfig(text, { file: 'conf/relay.yaml', env: {}, adapters, ...options });
}

/** The config, or an error with its faults. */
export function good(text: string, options: Partial<LoadOptions> = {}): RelayConfig {
  const result = load(text, options);
  if (!result.ok) throw new Error(formatFaults(result.faults, 'relay.yaml'));
  return result.config;
}

/** Faults as people see them, one line each; empty when there are none. */
export function faultLines(text: string, options: Partial<LoadOptions> = {}): string[] {
  const result = load(text, options);
  return result.ok ? [] : formatFaults(result.faults, 'relay.yaml').split('\n');
}

export function warningLines(text: string, options: Partial<LoadOptions> = {}): string[] {
  const { warnings } = load(text, options);
  return warnings.length === 0 ? [] : formatFaults(warnings, 'relay.yaml').split('\n');
}
