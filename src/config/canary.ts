/** What zod cannot say about `canary` and `heartbeat`: names that must exist, destinations that would wake people, targets. */
import { checkTarget, type EgressRules } from '#src/http/egress.ts';
import { CANARY_DESTINATION } from '#src/core/canary.ts';
import { quoted, type Report } from './fault.ts';
import { SEND_BY_IDENTITY } from './schema-canary.ts';
import { suggest } from './suggest.ts';
import type { CanaryConfig, Destination, HeartbeatConfig, RelayConfig } from './types.ts';

type Sections = Pick<RelayConfig, 'canary' | 'heartbeat' | 'receivers'> & { egress: EgressRules };

/** Reports every fault of the two sections. `names` are all destinations of the document, faulty ones included. */
export function checkCanary(
  { canary, heartbeat, receivers, egress }: Sections,
  { destinations, names, report }: { destinations: readonly Destination[]; names: readonly string[]; report: Report },
): void {
  if (heartbeat !== null) checkHeartbeat(heartbeat, { canary, egress, report });
  if (canary === null) return;
  if (canary.withinMs > canary.everyMs)
    report.fault(['canary', 'within'], 'must not be longer than every: the next canary would be sent before');
  checkDoors(canary, receivers, report);
  if (canary.url !== null) checkUrl(canary.url, { path: ['canary', 'url'], egress, report });
  checkDestination(canary, { destinations, names, report });
}

function checkHeartbeat(
  { url }: HeartbeatConfig,
  { canary, egress, report }: { canary: CanaryConfig | null; egress: EgressRules; report: Report },
): void {
  if (canary === null)
    report.fault(['heartbeat'], 'needs a canary: it beats only while canaries come through', {
      hint: 'add canary: {}',
      at: 'key',
    });
  checkUrl(url, { path: ['heartbeat', 'url'], egress, report });
}

function checkUrl(
  url: string,
  { path, egress, report }: { path: string[]; egress: EgressRules; report: Report },
): void {
  const problem = checkTarget(url, egress);
  if (problem !== null)
    report.fault(path, `its target is refused: ${problem}`, { hint: 'see egress.allow in docs/configure.md' });
}

function checkDoors(canary: CanaryConfig, receivers: RelayConfig['receivers'], report: Report): void {
  const { tokens, eventHubs, entra } = receivers;
  const wanted = canary.receivers ?? ['azure-monitor', 'event-grid'];
  const sources = tokens.map((token) => token.source);
  if (canary.source !== null && !sources.includes(canary.source))
    report.fault(['canary', 'source'], `no receiver token has the source ${quoted(canary.source)}`, {
      hint: suggest(canary.source, sources),
    });
  if (tokens.length === 0 && entra !== null && wanted.some((receiver) => receiver !== 'event-hubs'))
    report.fault(['canary'], 'needs a receiver token: a token of Entra cannot be had for it', {
      hint: 'add one to receivers.tokens, or set canary.receivers: [event-hubs]',
      at: 'key',
    });
  const hubs = eventHubs.map((hub) => hub.name);
  for (const hub of Object.keys(canary.hubs)) {
    if (!hubs.includes(hub))
      report.fault(['canary', 'hubs', hub], `no Event Hub of receivers.eventHubs is called ${quoted(hub)}`, {
        hint: suggest(hub, hubs),
        at: 'key',
      });
    else if (canary.hubs[hub] === SEND_BY_IDENTITY && eventHubs.find((one) => one.name === hub)?.namespace === null)
      report.fault(
        ['canary', 'hubs', hub],
        'needs a connection string: the hub itself is read by one, not by identity',
      );
  }
  const watched = Object.keys(canary.hubs);
  if (canary.receivers?.includes('event-hubs') === true && watched.length === 0)
    report.fault(['canary', 'receivers'], 'event-hubs needs canary.hubs: a connection string that may send', {
      hint: 'hubs: { <name>: "${EVENTS_SEND}" }',
    });
  for (const hub of canary.receivers?.includes('event-hubs') === false ? [] : hubs) {
    if (!watched.includes(hub))
      report.warn(['canary'], `no canary enters by the Event Hub ${quoted(hub)}`, {
        hint: 'give canary.hubs a connection string that may send to it',
        at: 'key',
      });
  }
}

function checkDestination(
  canary: CanaryConfig,
  { destinations, names, report }: { destinations: readonly Destination[]; names: readonly string[]; report: Report },
): void {
  const path = ['canary', 'destination'];
  if (canary.destination === null) {
    if (names.includes(CANARY_DESTINATION))
      report.fault(['destinations', CANARY_DESTINATION], 'is the name of the built-in destination of canaries', {
        hint: `rename it, or set canary.destination: ${CANARY_DESTINATION}`,
        at: 'key',
      });
    return;
  }
  if (!names.includes(canary.destination)) {
    report.fault(path, `unknown destination ${quoted(canary.destination)}`, {
      hint: suggest(canary.destination, names),
    });
    return;
  }
  const found = destinations.find((one) => one.name === canary.destination);
  if (found === undefined) return;
  if (found.adapter.defaults.failOpen)
    report.fault(path, `a canary would page people through ${found.type}`, {
      hint: 'leave it out for the built-in one',
    });
  else if (found.type !== 'webhook')
    report.warn(path, `${found.type} gets a message for every canary: ${found.name} should be read by nobody`);
  if (found.retired) report.fault(path, `the destination ${quoted(found.name)} is retired and takes no canary`);
  if (found.updates.policy === 'digest')
    report.fault(path, 'its updates are a digest: a canary would wait for the time of day');
}
