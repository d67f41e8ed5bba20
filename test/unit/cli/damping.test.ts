/** `relay route` and `relay route-test` say what is waited for, and play it over time. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fixture } from '#test/support/fixtures.ts';
import { relay, type Ran } from './memory-io.ts';

const CONFIG = `destinations:
  oncall: { type: pagerduty, routingKey: 0123456789abcdef0123456789abcdef }
  loud: { type: pagerduty, routingKey: 0123456789abcdef0123456789abcdee }
routes:
  - { match: { kind: [alert, outage] }, to: [oncall], sustained: 3 of 5 in 10m, flapping: { changes: 4, within: 30m, quiet: 15m } }
  - { match: { kind: alert }, to: [loud], sustained: 3 of 5 in 10m }
  - { match: {}, to: [loud] }
`;

describe('on a route that damps', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'relay-damping-'));
    writeFileSync(join(folder, 'relay.yaml'), CONFIG);
    for (let n = 1; n <= 4; n++) {
      write(`fired-${n}.json`, alert(n, false));
      write(`over-${n}.json`, alert(n, true));
    }
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function write(file: string, body: unknown): void {
    writeFileSync(join(folder, file), JSON.stringify(body));
  }
  function alert(n: number, over: boolean, severity = 'Sev2'): unknown {
    const body = fixture(`webhook-common/metric-acr-${over ? 'resolved' : 'fired'}.json`);
    const at = Date.parse('2026-09-14T08:00:00Z') + n * 60_000;
    body.data.essentials.severity = severity;
    body.data.essentials.firedDateTime = new Date(at).toISOString();
    if (over) body.data.essentials.resolvedDateTime = new Date(at + 30_000).toISOString();
    return body;
  }
  const run = (...args: string[]): Promise<Ran> =>
    relay(args, { env: { RELAY_CONFIG: join(folder, 'relay.yaml') }, cwd: folder });
  function cases(yaml: string): Promise<Ran> {
    writeFileSync(join(folder, 'cases.yaml'), yaml);
    return run('route-test', 'cases.yaml');
  }

  test('route says when it is told at the latest, and why a rule does not hold', async () => {
    const { out } = await run('route', 'fired-1.json', '--explain');
    expect(out).toContain('oncall: told once it is sustained (3 of 5 in 10m): 240 s after its opening at the latest\n');
    expect(out).toContain('oncall: told once while it flaps (4 changes in 30m, quiet after 15m)\n');
    expect(out).toContain(
      'loud: sustained does not hold: another route names this destination and does not ask for it\n',
    );
    write('severe.json', alert(9, false, 'Sev0'));
    expect((await run('route', 'severe.json')).out).toContain(
      'oncall: sustained does not hold: severity critical, and the rule does not say severe: true\n',
    );
    const outage = new URL('../../fixtures/webhook-classic/sh-incident-active.json', import.meta.url).pathname;
    expect((await run('route', outage)).out).toContain(
      'oncall: told at once: sustained and flapping are for alerts and resources, not for kind outage\n',
    );
  });

  test('route-test plays payloads over time', async () => {
    const { code, out } = await cases(`cases:
  - { name: a blip, payloads: [fired-1.json, over-1.json], at: [0, 3m], until: 1h, expect: { messages: { oncall: [], loud: [open, resolve] } } }
  - { name: not yet, payloads: [fired-1.json], until: 3m, expect: { messages: { oncall: [] } } }
  - { name: it stays, payloads: [fired-1.json], until: 4m, expect: { messages: { oncall: [open] } } }
  - { name: fires again and again, payloads: [fired-1.json, fired-2.json, fired-3.json], at: [0, 10s, 20s], until: 65s, expect: { messages: { oncall: [open] } } }
  - name: it flaps
    payloads: [fired-1.json, over-1.json, fired-2.json, over-2.json, fired-3.json, over-3.json, fired-4.json]
    at: [0, 10s, 20s, 30s, 40s, 50s, 1m]
    until: 1h
    expect: { messages: { oncall: [open, update] } }
`);
    expect(out).toBe(
      'ok    a blip\nok    not yet\nok    it stays\nok    fires again and again\nok    it flaps\n\n5 cases, 0 failed\n',
    );
    expect(code).toBe(0);
  });

  test('a case that does not hold shows what was heard', async () => {
    const { code, out } = await cases(
      'cases: [{ name: pages, payloads: [fired-1.json], expect: { messages: { oncall: [open], oncal: [open] } } }]\n',
    );
    expect(code).toBe(1);
    expect(out).toContain('messages to oncall\n        - expected open\n        + got      none');
    expect(out).toContain('the config has no destination "oncal"; did you mean "oncall"?');
  });

  test.each([
    ['at: [0]', 'must hold one moment for each payload, such as [0, 3m]'],
    ['at: [5m, 3m]', 'must not go back in time'],
    ['at: [now, 3m]', 'is not a duration'],
    ['until: never', 'is not a duration'],
  ])('%s is a fault of the file', async (keys, expected) => {
    const { code, err } = await cases(
      `cases: [{ name: a, payloads: [fired-1.json, over-1.json], ${keys}, expect: { messages: {} } }]\n`,
    );
    expect(code).not.toBe(0);
    expect(err).toContain(expected);
  });
});
