/** Which values of a config are secret, and how they are kept out of logs and dumps. */
import { SEND_BY_IDENTITY } from './schema-canary.ts';
import type { Destination, RelayConfig } from './types.ts';

/** What stands in place of a secret. */
export const SECRET = '<secret>';

/** Shorter values are words, and hiding them would shred every text. Tokens have 16 at least. */
const SECRET_CHARS_MIN = 4;

/** Every secret value of a config: tokens, connection strings and what the adapters name. Without repeats. */
export function configSecrets(config: RelayConfig): string[] {
  const { receivers, api, azure, callbacks, destinations } = config;
  const found = [
    ...receivers.tokens.map((entry) => entry.token),
    ...api.tokens.map((entry) => entry.token),
    ...config.deadlines.feedTokens,
    ...(callbacks.pagerduty?.secrets ?? []),
    ...(callbacks.servicenow ? [callbacks.servicenow.token] : []),
    ...(azure?.accessToken ? [azure.accessToken] : []),
    ...receivers.eventHubs.flatMap((hub) => connectionSecrets(hub.connectionString)),
    ...Object.values(config.canary?.hubs ?? {}).flatMap((one) =>
      one === SEND_BY_IDENTITY ? [] : connectionSecrets(one),
    ),
    ...(config.heartbeat ? [config.heartbeat.url] : []),
    ...(config.peer ? [config.peer.token] : []),
    ...destinations.flatMap((destination) => destination.adapter.secrets(destination.settings)),
  ];
  return [...new Set(found)];
}

/** The password of each URL of the environment, and the whole URL with it. */
export function urlSecrets(...urls: readonly (string | null)[]): string[] {
  return urls.flatMap((url) => {
    if (url === null || !URL.canParse(url)) return [];
    const { password } = new URL(url);
    return password === '' ? [] : [url, password, decoded(password)];
  });
}

/**
 * Replaces every one of the values in a text, as it is, percent-encoded, or escaped as in JSON; the longest first.
 * Values under 4 characters are left.
 */
export function redactor(values: Iterable<string>): (text: string) => string {
  const forms = [...values]
    .filter((value) => value.length >= SECRET_CHARS_MIN)
    .flatMap((value) => [value, encodeURIComponent(value.toWellFormed()), JSON.stringify(value).slice(1, -1)]);
  const needles = [...new Set(forms)].sort((a, b) => b.length - a.length);
  if (needles.length === 0) return (text) => text;
  const pattern = new RegExp(needles.map((needle) => needle.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')).join('|'), 'g');
  return (text) => text.replace(pattern, SECRET);
}

/** Lets an object with secrets print itself without them, in JSON and on the console. Returns the same object. */
export function masked<T extends object>(value: T, mask: (value: T) => unknown): T {
  const show = (): unknown => mask(value);
  Object.defineProperty(value, 'toJSON', { value: show, enumerable: false });
  Object.defineProperty(value, Symbol.for('nodejs.util.inspect.custom'), { value: show, enumerable: false });
  return value;
}

/** A destination whose printed form names the adapter and hides the secrets among its settings. */
export function maskedDestination(destination: Destination): Destination {
  return masked(destination, ({ adapter, settings, ...rest }) => {
    const hide = redactor(adapter.secrets(settings));
    return {
      ...rest,
      settings: JSON.parse(
        JSON.stringify(settings, (_, item: unknown) => (typeof item === 'string' ? hide(item) : item)),
      ) as unknown,
    };
  });
}

/** Hides the keys that may send canaries, and the address of the heartbeat. */
export function maskCanary({ canary, heartbeat }: Pick<RelayConfig, 'canary' | 'heartbeat'>): void {
  if (canary !== null)
    masked(canary, (shown) => ({
      ...shown,
      hubs: Object.fromEntries(Object.keys(shown.hubs).map((hub) => [hub, SECRET])),
    }));
  if (heartbeat !== null) masked(heartbeat, (shown) => ({ ...shown, url: SECRET }));
}

function connectionSecrets(connectionString: string | null): string[] {
  if (connectionString === null) return [];
  const key = /SharedAccess(?:Key|Signature)=([^;]+)/i.exec(connectionString)?.[1];
  return key === undefined ? [connectionString] : [connectionString, key];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
