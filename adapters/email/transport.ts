/**
 * Pooled SMTP connections: one pool per destination and address. The address was resolved and judged by the egress
 * rules, the certificate is checked against the host's name. Time-outs are low, since a pager waits behind the call,
 * and nothing is queued again by the pool: retries are ours (destinations 4.1).
 */
import { isIP } from 'node:net';
import { createTransport, type Transporter } from 'nodemailer';
import type { SMTPPoolOptions, SMTPPoolSentMessageInfo } from 'nodemailer/lib/smtp-pool';
import type { EmailSettings, SmtpTarget } from './settings.ts';

const CONNECTION_TIMEOUT_MS = 5_000;
const GREETING_TIMEOUT_MS = 5_000;
/** Silence within a conversation; servers that scan mail before the last reply take a while. */
export const SOCKET_TIMEOUT_MS = 15_000;
/** Servers drop idle connections when they like: what is not used goes soon. */
const IDLE_TIMEOUT_MS = 10_000;
const CONNECTIONS_MAX = 2;
/** A pool that nobody used for so long belongs to settings that were reloaded or to an address that moved. */
const POOL_UNUSED_MS = 600_000;

export type SentMail = SMTPPoolSentMessageInfo;
export type MailTransport = Transporter<SentMail, SMTPPoolOptions>;

interface Pool {
  settings: EmailSettings;
  address: string;
  requireTls: boolean;
  transport: MailTransport;
  usedAtMs: number;
}

const pools = new Set<Pool>();

export interface TransportOptions {
  target: SmtpTarget;
  /** What the host resolved to. */
  address: string;
  /** Demand STARTTLS and a trusted certificate; false only where the egress rules permit plain text. */
  requireTls: boolean;
  /** Gives the XOAUTH2 token of the moment. */
  token: (() => string) | null;
}

/** The pool of a destination at an address; made at first use. */
export function transportFor(settings: EmailSettings, options: TransportOptions): MailTransport {
  const { address, requireTls } = options;
  const nowMs = Date.now();
  for (const pool of pools) {
    if (pool.settings === settings && pool.address === address && pool.requireTls === requireTls) {
      pool.usedAtMs = nowMs;
      return pool.transport;
    }
  }
  closeUnused(nowMs);
  const transport = createPool(settings, options);
  pools.add({ settings, address, requireTls, transport, usedAtMs: nowMs });
  return transport;
}

/** Closes every pool, mails under way included; for shutdown and for tests. */
export function closeTransports(): void {
  for (const pool of pools) pool.transport.transporter.close?.({ force: true });
  pools.clear();
}

function closeUnused(nowMs: number): void {
  for (const pool of pools) {
    if (nowMs - pool.usedAtMs < POOL_UNUSED_MS) continue;
    pool.transport.close();
    pools.delete(pool);
  }
}

function createPool(settings: EmailSettings, { target, address, requireTls, token }: TransportOptions): MailTransport {
  const transport = createTransport({
    pool: true,
    host: address,
    port: target.port,
    secure: target.secure,
    requireTLS: requireTls && !target.secure,
    tls: {
      // An address is no name to ask a certificate by (RFC 6066).
      ...(isIP(target.host) === 0 ? { servername: target.host } : {}),
      // Where plain text is permitted, encryption with an unknown certificate is still better than none (RFC 7435).
      rejectUnauthorized: requireTls,
      minVersion: 'TLSv1.2',
    },
    ...authOf(settings, target),
    maxConnections: CONNECTIONS_MAX,
    maxRequeues: 0,
    idleTimeout: IDLE_TIMEOUT_MS,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    greetingTimeout: GREETING_TIMEOUT_MS,
    socketTimeout: SOCKET_TIMEOUT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  // The pool reports broken idle connections here; without a listener that would end the process.
  transport.on('error', () => undefined);
  if (token !== null) {
    transport.set('oauth2_provision_cb', (_user: string, _renew: boolean, done: (error: null, token: string) => void) =>
      done(null, token()),
    );
  }
  return transport;
}

function authOf({ auth }: EmailSettings, { user, password }: SmtpTarget): Pick<SMTPPoolOptions, 'auth'> {
  if (auth !== undefined) return { auth: { type: 'OAuth2', user: auth.user } };
  return user === '' ? {} : { auth: { user, pass: password } };
}
