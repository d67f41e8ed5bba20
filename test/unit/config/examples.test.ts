import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { adapters } from '#adapters/index.ts';
import { formatFaults } from '#src/config/fault.ts';
import { loadConfig, loadConfigFile } from '#src/config/load.ts';
import { configJsonSchema } from '#src/config/schema-json.ts';
import { configSecrets } from '#src/config/secrets.ts';
import { matchRoutes, type RouteOptions } from '#src/core/route.ts';
import type { RouteFacts } from '#src/core/route-condition.ts';

const folder = join(import.meta.dirname, '../../../docs/examples');
const env = {
  RECEIVER_TOKEN: 'receiver-token-000000000001',
  API_TOKEN: 'api-token-00000000000000001',
  PAGERDUTY_KEY: '0123456789abcdef0123456789abcdef',
  SNOW_PASSWORD: 'snow-password-1',
  TEAMS_URL:
    'https://default0123.45.environment.api.powerplatform.com:443/powerautomate/automations/direct/workflows/abc/triggers/manual/paths/invoke?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=teams-signature-1',
  SMTP_URL: 'smtps://relay:smtp-password-1@smtp.contoso.example:465',
};
const registryOutage: RouteFacts = {
  kind: 'outage',
  severity: 'error',
  stage: 'Active',
  sources: ['action-group'],
  impacts: [{ service: 'Container Registry', region: 'West Europe' }],
  subscriptions: [
    { id: '00000000-0000-0000-0000-000000000001', name: 'Payments production', team: 'payments', environment: 'prod' },
  ],
  resources: [],
};

function load(file: string) {
  const result = loadConfigFile({ file: join(folder, file), env, adapters });
  if (!result.ok) throw new Error(formatFaults(result.faults, file));
  return result;
}

function told(file: string, facts: RouteFacts): string[] {
  const { config } = load(file);
  const options: RouteOptions = { default: config.default, destinations: config.destinations };
  return matchRoutes(facts, config.routes, options).destinations.map((one) => one.destination);
}

describe('examples over the real adapters', () => {
  const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));

  test('all three presets are there', () => {
    expect(files).toEqual(['acr-comprehensive.yaml', 'acr-maintenance-awareness.yaml', 'acr-production-critical.yaml']);
  });

  test.each(files)('%s is read without a fault or warning, and passes the JSON Schema', (file) => {
    expect(load(file).warnings).toEqual([]);
    const validate = new Ajv2020({ strict: false, formats: { uri: true, email: true } }).compile(
      configJsonSchema(adapters),
    );
    const text = readFileSync(join(folder, file), 'utf8');
    expect(validate(parse(text)), JSON.stringify(validate.errors)).toBe(true);
  });

  test.each(files)('a dump of %s holds no secret', (file) => {
    const { config } = load(file);
    const dump = JSON.stringify(config);
    for (const secret of configSecrets(config)) expect(dump).not.toContain(secret);
    expect(configSecrets(config).length).toBeGreaterThan(2);
  });

  test('an outage of the registry pages in production, and only there', () => {
    expect(told('acr-production-critical.yaml', registryOutage)).toEqual(['oncall', 'oncall-mail']);
    const elsewhere = { ...registryOutage, impacts: [{ service: 'Container Registry', region: 'Brazil South' }] };
    expect(told('acr-production-critical.yaml', elsewhere)).toEqual(['oncall-mail']);
    expect(told('acr-comprehensive.yaml', registryOutage)).toEqual(['oncall', 'tickets', 'channel', 'operations']);
    expect(told('acr-maintenance-awareness.yaml', { ...registryOutage, kind: 'maintenance' })).toEqual([
      'platform-mail',
      'platform-channel',
    ]);
  });
});

describe('a broken config over the real adapters', () => {
  test('names the unknown type, the unknown destination and the unset variable, each with its line', () => {
    const file = join(folder, 'acr-comprehensive.yaml');
    const text = readFileSync(file, 'utf8')
      .replace('type: teams', 'type: temas')
      .replace('to: [oncall, tickets]', 'to: [oncal, tickets]');
    const broken = loadConfig(text, { file, env: { ...env, API_TOKEN: undefined }, adapters });
    expect(broken.ok ? [] : broken.faults.map(({ path, hint }) => [path, hint])).toEqual([
      ['api.tokens[0].token', 'set it, or write $${ for a plain ${'],
      ['routes[0].to[0]', 'did you mean "oncall"?'],
      ['destinations.channel.type', 'did you mean "teams"?'],
    ]);
  });
});
