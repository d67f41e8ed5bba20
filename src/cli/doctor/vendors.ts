/** The targets of all destinations, and the Event Hubs: can they be reached from here? No vendor is called for it. */
import type { EventHubConfig } from '#src/config/types.ts';
import { createHttpClient } from '#src/http/client.ts';
import type { Reporter, Subject } from './finding.ts';
import { reach, type Reached, type Target } from './reach.ts';

const PORTS: Readonly<Record<string, number>> = { 'https:': 443, 'http:': 80, 'smtps:': 465, 'smtp:': 587 };

/** Each host once, whatever number of destinations is behind it; retired ones too, as they are still to be resolved. */
export async function checkVendors({ config }: Subject, report: Reporter): Promise<void> {
  const targets = new Map<string, { target: Target; names: string[] }>();
  for (const { name, adapter, settings } of config.destinations) {
    for (const text of adapter.targets(settings)) {
      const { protocol, hostname, port } = new URL(text);
      const host = hostname.replace(/^\[|\]$/g, '');
      const target = { host, port: Number(port) || (PORTS[protocol] ?? 443), tls: /^(https|smtps):$/.test(protocol) };
      const key = `${target.host}:${target.port}`;
      const known = targets.get(key);
      if (known === undefined) targets.set(key, { target, names: [name] });
      else if (!known.names.includes(name)) known.names.push(name);
    }
  }
  if (targets.size === 0) {
    return report.warn('destinations', 'the config has no destination', {
      means: 'incidents are recorded and shown, and nobody is told',
      do: 'add destinations to relay.yaml',
    });
  }
  const client = createHttpClient({ egress: config.egress });
  try {
    const found = await Promise.all(
      [...targets.values()].map(async (one) => ({ ...one, reached: await reach(one.target, client) })),
    );
    for (const { target, names, reached } of found) say(names.join(', '), target, reached, report);
  } finally {
    await client.close();
  }
}

/** AMQP over TLS, or plain to the emulator. */
export async function checkHubs({ config }: Subject, report: Reporter): Promise<void> {
  const { eventHubs } = config.receivers;
  const found = await Promise.all(
    eventHubs.map(async (hub) => {
      const target = hubTarget(hub);
      return { name: hub.name, target, reached: await reach(target, null) };
    }),
  );
  for (const { name, target, reached } of found) {
    const says = `${target.host}:${target.port}`;
    if (reached.ok) report.ok(name, `${says} answers in ${reached.ms} ms`);
    else {
      report.fault(name, `${says}: ${reached.reason}`, {
        means: 'this hub is not read; its events wait as long as its retention lasts',
        do: `let this machine reach port ${target.port} of the namespace (AMQP), or see its private endpoint and name zone`,
      });
    }
  }
}

/** Host and port of a hub, from its connection string or its namespace. */
export function hubTarget({
  connectionString,
  namespace,
}: Pick<EventHubConfig, 'connectionString' | 'namespace'>): Target {
  const plain = /(^|;)\s*UseDevelopmentEmulator\s*=\s*true/i.test(connectionString ?? '');
  const endpoint = /(?:^|;)\s*Endpoint=\w+:\/\/([^/;]+)/i.exec(connectionString ?? '')?.[1];
  const { hostname, port } = new URL(`amqp://${namespace ?? endpoint ?? 'unknown'}`);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || (plain ? 5672 : 5671), tls: !plain };
}

const ADVICE: Readonly<Record<'dns' | 'egress' | 'tcp' | 'tls', string>> = {
  dns: 'check the name in relay.yaml, and the name server of this machine',
  egress: 'name the host or its network in egress.allow if that is where it should be',
  tcp: 'open the way through firewall, proxy or network rules',
  tls: 'see who answers there: an intercepting proxy needs its certificate in NODE_EXTRA_CA_CERTS',
};

function say(names: string, target: Target, reached: Reached, report: Reporter): void {
  const where = `${target.host}:${target.port}`;
  if (reached.ok) {
    const how = target.tls ? 'TCP and TLS' : 'TCP';
    return report.ok(names, `${where}: ${how} in ${reached.ms} ms; nothing was sent`);
  }
  report.fault(names, `${where}: ${reached.reason}`, {
    means: 'deliveries to it are tried again until retry.giveUpAfter, then they go to the fallback',
    do: ADVICE[reached.stage],
  });
}
