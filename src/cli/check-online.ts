/** The part of `relay check` that leaves this machine: names are resolved, vendors are asked where asking leaves no trace. */
import { isIP } from 'node:net';
import type { Destination, RelayConfig } from '#src/config/types.ts';
import { configSecrets, redactor } from '#src/config/secrets.ts';
import { createHttpClient, type HttpClient } from '#src/http/client.ts';
import { deliverContext } from './context.ts';

export interface OnlineResult {
  destination: string;
  type: string;
  faults: string[];
  /** The adapter could ask the vendor. */
  probed: boolean;
  /** What could not be checked, and is no fault. */
  notes: string[];
}

/** A probe reads a few records; a vendor that needs longer would not be one to page through either. */
const PROBE_LIMIT_MS = 30_000;

/** Checks all destinations at once, retired ones included: they are still to be resolved. Never throws. */
export async function checkOnline(config: RelayConfig): Promise<OnlineResult[]> {
  const client = createHttpClient({ egress: config.egress });
  const hide = redactor(configSecrets(config));
  try {
    return await Promise.all(
      config.destinations.map(async (destination): Promise<OnlineResult> => {
        const notes: string[] = [];
        const faults = await resolveTargets(destination, client);
        const probed = destination.adapter.probe !== undefined && faults.length === 0;
        if (probed) faults.push(...(await ask(config, destination, { client, notes })));
        const { name, type } = destination;
        return { destination: name, type, faults: faults.map(hide), probed, notes: notes.map(hide) };
      }),
    );
  } finally {
    await client.close();
  }
}

async function resolveTargets({ adapter, settings }: Destination, client: HttpClient): Promise<string[]> {
  const faults: string[] = [];
  for (const target of adapter.targets(settings)) {
    const { hostname, protocol } = new URL(target);
    try {
      await client.resolveHost(hostname, { tls: protocol === 'https:' || protocol === 'smtps:' });
    } catch (error) {
      const host = hostname.replace(/^\[|\]$/g, '');
      const { message } = error as Error;
      faults.push(isIP(host) !== 0 || message.includes(host) ? message : `${host}: ${message}`);
    }
  }
  return faults;
}

async function ask(
  config: RelayConfig,
  destination: Destination,
  { client, notes }: { client: HttpClient; notes: string[] },
): Promise<string[]> {
  const signal = AbortSignal.timeout(PROBE_LIMIT_MS);
  const context = deliverContext(config, destination, {
    http: client.call({ signal, deadlineMs: PROBE_LIMIT_MS }),
    resolveHost: (host, rules) => client.resolveHost(host, rules),
    signal,
    vendorKey: '0'.repeat(64),
    stepKey: 'probe',
    onNote: (message) => notes.push(message),
  });
  try {
    return (await destination.adapter.probe?.(context)) ?? [];
  } catch (error) {
    return [`the probe failed: ${(error as Error).message}`];
  }
}
