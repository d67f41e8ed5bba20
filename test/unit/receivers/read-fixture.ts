/** Reads fixtures the way the doors do: bytes, JSON, signals. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Signal } from '#src/core/signal.ts';
import { parseBody } from '#src/receivers/body.ts';
import type { ReadContext } from '#src/receivers/parse/draft.ts';
import { readSignals } from '#src/receivers/read.ts';

const FIXTURES = join(import.meta.dirname, '../../fixtures');

/** After every event of the fixtures, before most planned times. */
export const CONTEXT: ReadContext = {
  source: 'prod',
  subscription: null,
  receivedAt: '2026-11-24T19:00:00.000Z',
  door: 'webhook',
};

export const SUBSCRIPTION = '11111111-aaaa-4aaa-8aaa-000000000001';
const GROUP = `/subscriptions/${SUBSCRIPTION}/resourcegroups/rg-contoso-platform/providers`;
export const AKS = `${GROUP}/microsoft.containerservice/managedclusters/aks-contoso-weu`;
export const ACR = `${GROUP}/microsoft.containerregistry/registries/contosoprodacr`;

/** All fixtures as `folder/file`. */
export function fixtureNames(): string[] {
  const folders = readdirSync(FIXTURES, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders.flatMap(({ name }) =>
    readdirSync(join(FIXTURES, name))
      .filter((file) => file.endsWith('.json'))
      .map((file) => `${name}/${file}`),
  );
}

export function fixtureBody(name: string): unknown {
  const parsed = parseBody(readFileSync(join(FIXTURES, name)));
  if (!parsed.ok) throw new Error(`${name}: ${parsed.reason}`);
  return parsed.value;
}

export function readFixture(name: string, context: Partial<ReadContext> = {}): Signal[] {
  return readSignals(fixtureBody(name), { ...CONTEXT, ...context });
}

/** The only signal of a fixture. */
export function readOne(name: string, context: Partial<ReadContext> = {}): Signal {
  const signals = readFixture(name, context);
  if (signals.length !== 1) throw new Error(`${name} gave ${signals.length} signals`);
  return signals[0]!;
}
