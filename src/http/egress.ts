/**
 * Which targets the relay may call. Config names URLs, so whoever may write config could make the relay speak to the
 * inside of its own network: private, loopback, link-local and metadata addresses and plain http are refused unless
 * `egress.allow` names them. The address check runs in the connect hook, on the address that is connected to.
 */
import { BlockList, isIP, isIPv4 } from 'node:net';

export interface EgressRules {
  /** CIDRs, single addresses and host names. What is named may be private and may be called without TLS. */
  allow: readonly string[];
}

export interface EgressTarget {
  /** Host name or address as configured, without brackets. */
  host: string;
  /** Address that the host resolved to. */
  address: string;
  tls: boolean;
}

/** IPv4 ranges without a public host behind them (IANA special-purpose registry), and Azure's host agent. */
const SPECIAL_V4 =
  '0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 ' +
  '192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 168.63.129.16/32';

/** IPv6 counterparts. IPv4-mapped, NAT64, Teredo and 6to4 carry an IPv4 address within: refused whatever it is. */
const SPECIAL_V6 =
  '::/96 ::ffff:0:0/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/32 2001:db8::/32 2002::/16 3fff::/20 5f00::/16 ' +
  'fc00::/7 fe80::/10 fec0::/10 ff00::/8';

/** smtp may turn to TLS after the greeting: whether it did is judged at connect (`resolveHost`). */
const TLS_BY_PROTOCOL: Readonly<Record<string, boolean>> = {
  'https:': true,
  'http:': false,
  'smtps:': true,
  'smtp:': true,
};

// Two lists: a rule for ::ffff:0:0/96 in a shared one would match every IPv4 address.
const specialV4 = blockListOf(SPECIAL_V4.split(' '));
const specialV6 = blockListOf(SPECIAL_V6.split(' '));

/** Parsed rules are cached: the check runs on every connect. */
const parsed = new WeakMap<EgressRules, { addresses: BlockList; hosts: Set<string>; anyAddress: boolean }>();

/**
 * Judges a URL when the config is read, without DNS. Returns a sentence that says what is wrong, or null. A host name
 * is judged again at connect, by its address.
 */
export function checkTarget(url: string, rules: EgressRules): string | null {
  const target = parseUrl(url);
  if (target === null) return 'is not a URL';
  const tls = TLS_BY_PROTOCOL[target.protocol];
  if (tls === undefined)
    return `uses ${target.protocol.slice(0, -1)}, but only https, http, smtps and smtp can be called`;
  const isHttp = target.protocol.startsWith('http');
  if (isHttp && (target.username !== '' || target.password !== '')) {
    return 'holds a user name or password; use the settings for it';
  }
  const host = hostOf(target);
  if (host === '') return 'names no host';
  if (isIP(host) !== 0) return checkAddress({ host, address: host, tls }, rules);
  if (host === 'localhost') return checkAddress({ host, address: '127.0.0.1', tls }, rules);
  // A plain-http name may still resolve into an allowed range; only with none it cannot.
  if (tls || rulesOf(rules).anyAddress || isNamed(host, rules)) return null;
  return `${host} would be called without TLS; use https or name it in egress.allow`;
}

/** Judges the very address that is about to be connected to. Returns a sentence that says what is wrong, or null. */
export function checkAddress(target: EgressTarget, rules: EgressRules): string | null {
  const { host, tls } = target;
  // A zone index (fe80::1%eth0) is no part of the address.
  const address = target.address.split('%')[0] ?? '';
  const version = isIP(address);
  if (version === 0) return `${address} is not an address`;
  if (isNamed(host, rules)) return null;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  if (rulesOf(rules).addresses.check(address, family)) return null;
  const where = host === address ? address : `${host} resolves to ${address}, which`;
  if ((version === 4 ? specialV4 : specialV6).check(address, family)) {
    return `${where} is private, loopback, link-local or reserved; name it in egress.allow to permit it`;
  }
  return tls ? null : `${host} would be called without TLS; use https or name it in egress.allow`;
}

/** Judges the entries of `egress.allow` themselves. Returns a sentence that says what is wrong, or null. */
export function checkRule(entry: string): string | null {
  if (parseCidr(entry) !== null) return null;
  if (entry.includes('/')) return `${entry} is not a CIDR such as 10.1.0.0/16`;
  return /^[a-z0-9]([a-z0-9_.-]*[a-z0-9])?\.?$/i.test(entry) ? null : `${entry} is neither a CIDR nor a host name`;
}

/** Host name or address of a URL in lower case, IPv6 without brackets, without the root dot. */
export function hostOf(url: URL): string {
  return url.hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
}

function parseUrl(url: string): URL | null {
  return URL.canParse(url) ? new URL(url) : null;
}

function isNamed(host: string, rules: EgressRules): boolean {
  return rulesOf(rules).hosts.has(host.toLowerCase().replace(/\.$/, ''));
}

function rulesOf(rules: EgressRules) {
  let found = parsed.get(rules);
  if (!found) {
    const cidrs = rules.allow.filter((entry) => parseCidr(entry) !== null);
    const hosts = rules.allow.filter((entry) => parseCidr(entry) === null);
    found = {
      addresses: blockListOf(cidrs),
      hosts: new Set(hosts.map((host) => host.toLowerCase().replace(/\.$/, ''))),
      anyAddress: cidrs.length > 0,
    };
    parsed.set(rules, found);
  }
  return found;
}

function blockListOf(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const entry of cidrs) {
    const cidr = parseCidr(entry);
    if (cidr) list.addSubnet(cidr.address, cidr.prefix, isIPv4(cidr.address) ? 'ipv4' : 'ipv6');
  }
  return list;
}

function parseCidr(entry: string): { address: string; prefix: number } | null {
  const [address = '', length, ...rest] = entry.trim().split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return null;
  const bits = version === 4 ? 32 : 128;
  if (length === undefined) return { address, prefix: bits };
  return /^\d{1,3}$/.test(length) && Number(length) <= bits ? { address, prefix: Number(length) } : null;
}
