/** Which receivers of an action group are ours. Tokens are compared here and go no further: what is kept holds no secret. */
import type { RawExport, RawGroup, RawHub, RawWebhook } from '#src/azure/coverage-read.ts';
import type { RelayConfig } from '#src/config/types.ts';
import type { ExportFacts, GroupFacts, ReceiverFacts } from '#src/core/coverage-paths.ts';
import { hubKey } from '#src/receivers/event-hubs/client.ts';

const RECEIVER = '/v1/receivers/azure-monitor';

type Config = Pick<RelayConfig, 'publicUrl' | 'receivers' | 'coverage'>;

interface Door {
  /** Origin and path. */
  address: string;
  /** Something of yours stands in front and may add the token itself. */
  behindGateway: boolean;
}

/** The group without secrets, and without the receivers that lead to others. */
export function groupFacts(group: RawGroup, config: Config): GroupFacts {
  const { webhooks, hubs, ...rest } = group;
  const doors = doorsOf(config);
  return {
    ...rest,
    ours: [
      ...webhooks.flatMap((webhook) => webhookFacts(webhook, { doors, config })),
      ...hubs.flatMap((hub) => hubFacts(hub, config)),
    ],
  };
}

/** Those exports that a hub of ours takes. */
export function exportFacts(found: readonly RawExport[], subscription: string, config: Config): ExportFacts[] {
  return found
    .filter((one) => isOurHub(one, config))
    .map((one) => ({ subscription, name: one.name, to: hubName(one) }));
}

function doorsOf({ publicUrl, coverage }: Config): Door[] {
  const own = (base: string): Door => ({ address: `${plainAddress(base)}${RECEIVER}`, behindGateway: false });
  const given = (coverage?.addresses ?? []).map((address) =>
    new URL(address).pathname === '/' ? own(address) : { address: plainAddress(address), behindGateway: true },
  );
  return publicUrl === null ? given : [own(publicUrl), ...given];
}

function webhookFacts(
  { name, uri, secure }: RawWebhook,
  { doors, config }: { doors: readonly Door[]; config: Config },
): ReceiverFacts[] {
  const base = { name, via: 'webhook' as const, secure };
  if (uri === null || !URL.canParse(uri)) return [{ ...base, to: 'not shown', leads: 'hidden', entry: 'refused' }];
  const url = new URL(uri);
  const to = plainAddress(uri);
  const door = doors.find((one) => one.address === to);
  if (!door) {
    const ourHost = doors.some((one) => new URL(one.address).host === url.host);
    return ourHost ? [{ ...base, to, leads: 'wrong-address', entry: 'refused' }] : [];
  }
  return [
    { ...base, to, leads: 'here', entry: door.behindGateway || letsIn(url, secure, config) ? 'open' : 'refused' },
  ];
}

/** As the receiver decides: a token in the query, else a sign-in with Entra where that is configured. */
function letsIn(url: URL, secure: boolean, { receivers }: Config): boolean {
  const given = url.searchParams.get('token');
  if (receivers.tokens.some((entry) => entry.token === given)) return true;
  return secure && receivers.entra !== null;
}

function hubFacts(raw: RawHub, config: Config): ReceiverFacts[] {
  if (!isOurHub(raw, config)) return [];
  return [{ name: raw.name, via: 'event-hub', to: hubName(raw), leads: 'here', secure: true, entry: 'open' }];
}

function isOurHub(raw: Pick<RawHub, 'namespace' | 'hub'>, { receivers }: Config): boolean {
  return receivers.eventHubs.some((one) => hubName(hubKey(one)) === hubName(raw));
}

/** Action groups name the namespace without its domain. */
function hubName({ namespace, hub }: Pick<RawHub, 'namespace' | 'hub'>): string {
  return `${namespace.split('.')[0]}/${hub}`.toLowerCase();
}

/** Without user, query, fragment, and slash at the end. */
function plainAddress(text: string): string {
  const url = new URL(text);
  return `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}`;
}
