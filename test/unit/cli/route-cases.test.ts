import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { serviceHealth } from '#test/support/fixtures.ts';
import { EXAMPLE_ENV, relay, type Ran } from './memory-io.ts';

const CONFIG = new URL('../../../docs/examples/acr-comprehensive.yaml', import.meta.url).pathname;

describe('relay route-test', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'relay-cases-'));
    mkdirSync(join(folder, 'payloads'));
    for (const [file, communication, stage] of [
      ['active.json', 1, 'Active'],
      ['resolved.json', 2, 'Resolved'],
    ] as const) {
      const body = serviceHealth({ trackingId: 'CASE-001', communication, stage });
      writeFileSync(join(folder, 'payloads', file), JSON.stringify(body));
    }
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function run(yaml: string, ...args: string[]): Promise<Ran> {
    writeFileSync(join(folder, 'cases.yaml'), yaml);
    const env = { ...EXAMPLE_ENV, RELAY_CONFIG: CONFIG };
    return relay(['route-test', join(folder, 'cases.yaml'), ...args], { env, cwd: tmpdir() });
  }

  test('cases that hold are 0; files are found beside the cases, payloads may stand inline', async () => {
    const { code, out } = await run(`cases:
  - name: the whole story
    payloads: [payloads/active.json, payloads/resolved.json]
    expect: { destinations: [operations, channel], kind: outage, state: resolved, outcome: resolved }
  - name: anything else
    payloads: [{ odd: { shape: 1 } }]
    expect: { kind: unrecognised, destinations: [operations] }
`);
    expect(out).toBe('ok    the whole story\nok    anything else\n\n2 cases, 0 failed\n');
    expect(code).toBe(0);
  });

  test('a case that does not hold is 1, and shows what differs and what the routes said', async () => {
    const { code, out } = await run(`cases:
  - name: pages
    payloads: [payloads/active.json]
    expect: { destinations: [oncal], severity: critical }
`);
    expect(code).toBe(1);
    expect(out).toContain('FAIL  pages\n      severity\n        - expected critical\n        + got      warning');
    expect(out).toContain('        - expected oncal\n        + got      channel, operations');
    expect(out).toContain('the config has no destination "oncal"; did you mean "oncall"?');
    expect(out).toContain('environment: wants "prod", incident has none');
  });

  test('a case may bring silences, and says who is held back', async () => {
    const one = (silences: string, silenced: string): string =>
      `cases: [{ name: quiet, payloads: [payloads/active.json], silences: ${silences}, expect: { silenced: ${silenced}, destinations: [channel, operations] } }]`;
    expect((await run(one('[{ match: { region: West Europe }, destinations: [channel] }]', '[channel]'))).code).toBe(0);
    expect((await run(one('[{ match: { region: East US } }]', '[]'))).code).toBe(0);
    expect((await run(one('[]', '[]'))).code).toBe(0);
    const failed = await run(one('[{ match: {} }]', '[channel]'));
    expect(failed.code).toBe(1);
    expect(failed.out).toContain('silenced\n        - expected channel\n        + got      channel, operations');
    expect((await run(one('[{ match: { regio: x } }]', '[]'))).err).toContain('did you mean "region"');
  });

  test('--json counts the failures', async () => {
    const { code, out } = await run(
      `cases: [{ name: a, payloads: [payloads/active.json], expect: { kind: alert } }]`,
      '--json',
    );
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ failed: 1, cases: [{ ok: false, differences: [{ what: 'kind' }] }] });
  });

  test('faults of the file come all at once with their lines: a case that expects nothing never passes', async () => {
    const { code, err } = await run(`cases:
  - name: one
    payloads: [payloads/missing.json]
    expect: { destination: [oncall] }
  - name: two
    payloads: []
    expect: {}
`);
    expect(code).toBe(1);
    expect(err).toMatch(/cases\.yaml:4:\d+ .*unknown key "destination"; did you mean "destinations"\?/);
    expect(err).toMatch(/cases\.yaml:6:\d+ .*must name at least one payload/);
    expect(err).toMatch(/cases\.yaml:7:\d+ .*expects nothing/);
    const missing = await run('cases: [{ name: a, payloads: [payloads/missing.json], expect: { kind: alert } }]');
    expect(missing.err).toContain('payloads/missing.json cannot be read (ENOENT)');
  });
});
