/**
 * Who may call (design section 4). Receivers take tokens in the query or as a bearer; the API takes tokens with roles,
 * pages a signed cookie. Tokens are compared as digests in constant time and never logged.
 */
import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import type { RelayConfig, Role } from '#src/config/types.ts';
import type { SourceContext } from '#src/core/signal.ts';

export interface Caller {
  name: string;
  role: Role;
}

const SESSION_MS = 12 * 3_600_000;
export const SESSION_COOKIE = 'relay_session';

function digest(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}

/** Digests of configured tokens; an entry goes with the config that it belongs to. */
const digests = new WeakMap<object, Buffer>();

function digestOf(entry: { token: string }): Buffer {
  let known = digests.get(entry);
  if (!known) digests.set(entry, (known = digest(entry.token)));
  return known;
}

/** Looks at every token, whether one has matched or not. */
function findToken<T extends { token: string }>(tokens: readonly T[], given: string): T | null {
  const wanted = digest(given);
  let found: T | null = null;
  for (const entry of tokens) if (timingSafeEqual(digestOf(entry), wanted)) found = entry;
  return found;
}

/** The token of a `Bearer` header, else null. */
export function bearer(authorization: string | undefined): string | null {
  return /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? null;
}

/** True where no token is configured for the purpose: then only this machine may call. */
export function isOpen(config: RelayConfig, purpose: 'receive' | 'read'): boolean {
  if (purpose === 'receive') return config.receivers.tokens.length === 0 && config.receivers.entra === null;
  return config.api.tokens.length === 0;
}

/** The source that a receiver token stands for; null refuses. */
export function receiverSource(config: RelayConfig, given: string | null): SourceContext | null {
  const entry = given === null ? null : findToken(config.receivers.tokens, given);
  return entry ? { source: entry.source, subscription: entry.subscription } : null;
}

/** The caller that an API token stands for; null refuses. */
export function apiCaller(config: RelayConfig, given: string | null): Caller | null {
  const entry = given === null ? null : findToken(config.api.tokens, given);
  return entry ? { name: entry.name, role: entry.role } : null;
}

/** Whether a token opens the calendar of deadlines. It stands in addresses that others keep, and opens nothing else. */
export function isFeedToken(config: RelayConfig, given: string): boolean {
  const wanted = digest(given);
  let found = false;
  for (const token of config.deadlines.feedTokens) if (timingSafeEqual(digest(token), wanted)) found = true;
  return found;
}

/** `operate` includes `read`. */
export function mayDo(caller: Caller, role: Role): boolean {
  return role === 'read' || caller.role === 'operate';
}

/** A cookie value that names the token's holder until it expires; worthless once the token leaves the config. */
export function signSession(config: RelayConfig, name: string, nowMs: number): string {
  const payload = Buffer.from(JSON.stringify({ name, until: nowMs + SESSION_MS })).toString('base64url');
  return `${payload}.${sessionMac(config, name, payload)}`;
}

/** The caller behind a session cookie; null when forged, expired or revoked. */
export function sessionCaller(config: RelayConfig, cookie: string | undefined, nowMs: number): Caller | null {
  const [payload, mac] = (cookie ?? '').split('.');
  if (!payload || !mac) return null;
  try {
    const { name, until } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { name: string; until: number };
    const entry = config.api.tokens.find((token) => token.name === name);
    if (!entry || typeof until !== 'number' || until < nowMs) return null;
    const expected = sessionMac(config, name, payload);
    if (!timingSafeEqual(digest(expected), digest(mac))) return null;
    return { name: entry.name, role: entry.role };
  } catch {
    return null;
  }
}

function sessionMac(config: RelayConfig, name: string, payload: string): string {
  const token = config.api.tokens.find((entry) => entry.name === name)?.token ?? '';
  return createHmac('sha256', `session\n${token}`).update(payload).digest('base64url');
}

const LOOPBACK = /^(127\.|::1$|::ffff:127\.)/;

/** Without tokens only this machine may call, under a local name: a web page elsewhere must not reach us by DNS rebinding. */
export function isLocalCall(remoteAddress: string | undefined, host: string | undefined): boolean {
  return LOOPBACK.test(remoteAddress ?? '') && isLocalName(host);
}

/** Whether a Host header names this machine. The whole name counts: `127.0.0.1.example.org` is a name of somebody else's. */
export function isLocalName(host: string | undefined): boolean {
  const name = (host ?? '').replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  return name === 'localhost' || name === '::1' || /^(::ffff:)?127(\.\d{1,3}){3}$/.test(name);
}
