import { describe, expect, test } from 'vitest';
import { adapters } from '#adapters/index.ts';
import { firstConfig } from '#src/cli/first-config.ts';
import { formatFaults } from '#src/config/fault.ts';
import { loadConfig, type LoadResult } from '#src/config/load.ts';
import { EXAMPLE_ENV } from './memory-io.ts';

const text = firstConfig({ receiverToken: 'a'.repeat(48), apiToken: 'b'.repeat(48) });
const env = {
  ...EXAMPLE_ENV,
  SERVICENOW_PASSWORD: 'snow-password-1',
  SLACK_URL: 'https://hooks.slack.com/services/T0000/B0000/abcdefghijkl',
  OPSGENIE_KEY: 'opsgenie-key-1',
  WEBHOOK_SECRET: 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=',
};

function load(yaml: string, given: Record<string, string>): LoadResult & { ok: true } {
  const loaded = loadConfig(yaml, { file: 'relay.yaml', env: given, adapters });
  if (!loaded.ok) throw new Error(formatFaults(loaded.faults, 'relay.yaml'));
  return loaded;
}

describe('the first relay.yaml', () => {
  test('is valid as it is, without a vendor or an environment, and warns that nobody is told', () => {
    const { config, warnings } = load(text, {});
    expect(config.receivers.tokens.map((entry) => entry.source)).toEqual(['azure']);
    expect(config.api.tokens.map((entry) => entry.role)).toEqual(['operate']);
    expect(config.destinations).toEqual([]);
    expect(warnings.map((warning) => warning.message).join()).toContain('nobody is told');
  });

  test('is valid with every comment taken away, and then has an example of every adapter', () => {
    const { config, warnings } = load(text.replaceAll(/^( {2})# /gm, '$1'), env);
    expect(config.destinations.map((destination) => destination.type).toSorted()).toEqual(
      adapters.map((adapter) => adapter.kind).toSorted(),
    );
    expect(config.routes).toHaveLength(2);
    expect(warnings).toEqual([]);
  });
});
