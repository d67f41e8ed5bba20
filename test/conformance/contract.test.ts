/** What every adapter must be, before it is asked to do anything. */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { adapters } from '#adapters/index.ts';
import { checkTarget } from '#src/http/egress.ts';
import { BODYLESS_KINDS, forEachAdapter, loadBench, SMTP_KINDS } from './registry.ts';

const FOLDER = new URL('../../adapters/', import.meta.url);
const kinds = adapters.map(({ kind }) => kind);

describe('the registry', () => {
  it('holds each kind once, and every folder of adapters is registered', () => {
    const folders = readdirSync(FOLDER, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && entry.name !== 'shared')
      .map(({ name }) => name);
    expect([...kinds].sort()).toEqual(folders.sort());
  });

  it('has a bench of the same kind for every adapter', async () => {
    const benches = await Promise.all(kinds.map(loadBench));
    expect(benches.map(({ kind }) => kind)).toEqual(kinds);
  });

  it('counts who is spared which cases, by name', async () => {
    const benches = await Promise.all(kinds.map(loadBench));
    const smtp = benches.filter(({ transport }) => transport === 'smtp').map(({ kind }) => kind);
    const bodyless = benches.filter(({ wrongBodies }) => wrongBodies.length === 0).map(({ kind }) => kind);
    expect(smtp).toEqual(kinds.filter((kind) => SMTP_KINDS.includes(kind)));
    expect(bodyless).toEqual(kinds.filter((kind) => BODYLESS_KINDS.includes(kind)));
  });

  it.each(kinds)('%s has the files that every adapter has', (kind) => {
    const files = readdirSync(new URL(`${kind}/`, FOLDER));
    expect(files).toEqual(expect.arrayContaining(['index.ts', 'settings.ts', 'README.md']));
  });
});

await forEachAdapter(({ adapter, onBench }) => {
  it('declares limits with the unit in the name, a deadline and a concurrency', () => {
    const limits = Object.entries(adapter.limits);
    expect(limits.length).toBeGreaterThan(0);
    for (const [name, value] of limits) {
      expect(name).toMatch(/^[a-z][A-Za-z0-9]*[A-Z][A-Za-z0-9]+$/);
      expect(value).toBeGreaterThan(0);
    }
    expect(adapter.deadlineMs).toBeGreaterThanOrEqual(1_000);
    // Longer than a minute only where the vendor itself takes one (ServiceNow ends a transaction at 60 s, destinations 2.5).
    expect(adapter.deadlineMs).toBeLessThanOrEqual(90_000);
    expect(adapter.defaults.concurrency).toBeGreaterThanOrEqual(1);
  });

  it('fails open only where the vendor dedups by key', () => {
    expect(adapter.defaults.failOpen && adapter.repeat !== 'key').toBe(false);
  });

  it('refuses an unknown key of its settings', () =>
    onBench(async (_delivery, { settings }) => {
      const result = adapter.settings.safeParse({ ...settings, surprise: 1 });
      expect(result.error?.message).toContain('surprise');
    }));

  it('names every secret, and targets that the egress rules would refuse', () =>
    onBench(async (_delivery, { settings, secrets }) => {
      const parsed = adapter.settings.parse(settings);
      const known = adapter.secrets(parsed);
      for (const secret of secrets) expect(known.some((value) => secret.includes(value) && value !== '')).toBe(true);
      const targets = adapter.targets(parsed);
      expect(targets.length).toBeGreaterThan(0);
      for (const target of targets) expect(checkTarget(target, { allow: [] })).not.toBeNull();
      for (const target of targets) expect(checkTarget(target, { allow: ['127.0.0.0/8'] })).toBeNull();
    }));

  it('knows its account by a stable hash without a secret in it', () =>
    onBench(async (_delivery, { settings, secrets }) => {
      const first = adapter.accountKey(adapter.settings.parse(settings));
      expect(first).toMatch(/^[\w-]{8,128}$/);
      expect(adapter.accountKey(adapter.settings.parse(settings))).toBe(first);
      for (const secret of secrets) expect(first).not.toContain(secret);
    }));
});
