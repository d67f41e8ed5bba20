/**
 * Strict stand-in of a submission server, a real SMTP server that keeps every mail parsed. It demands a sign-in, speaks
 * plain text or STARTTLS (with a certificate that nobody trusts), and misbehaves on demand.
 */
import type { AddressInfo, Socket } from 'node:net';
import { simpleParser, type ParsedMail } from 'mailparser';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';
import { mailFaults } from './mail-faults.ts';
import { ownPort } from '#test/support/own-port.ts';

export interface SmtpOptions {
  port?: number;
  /** Offers STARTTLS, and permits nothing without it. */
  startTls?: boolean;
  /** TLS from the first byte. */
  secure?: boolean;
}

export interface ReceivedMail {
  from: string;
  /** Envelope recipients that were taken. */
  to: string[];
  mail: ParsedMail;
  /** As it came, headers included. */
  raw: string;
  /** Whether it came encrypted. */
  secure: boolean;
}

/** How the next mail goes wrong. After the data the server may keep the mail (`taken`) or not. */
export type SmtpFault =
  | { at: 'connect' | 'from' | 'data'; kind: 'refuse'; code: number }
  | { at: 'connect' | 'from'; kind: 'drop' }
  | { at: 'data'; kind: 'drop' | 'hang'; taken: boolean };

/** The server's own time-outs are far above those of the adapter. */
const SOCKET_TIMEOUT_MS = 120_000;

export class SmtpStandIn {
  readonly user = 'relay';
  readonly password = 'smtp-pass%word-5521';
  /** What people have in their mailboxes, oldest first. */
  readonly mails: ReceivedMail[] = [];
  /** Why mails were refused after their data. */
  readonly refusals: string[] = [];
  /** Sign-ins by method; XOAUTH2 with the token that was shown. */
  readonly logins: { method: string; token: string | null }[] = [];
  /** Answers to RCPT TO by address, instead of 250. */
  readonly refuse = new Map<string, number>();
  /** The token that XOAUTH2 must show; null takes none. */
  token: string | null = null;
  connections = 0;
  readonly #faults: SmtpFault[] = [];
  readonly #server: SMTPServer;
  #port: number;
  readonly #secure: boolean;
  readonly #sockets = new Set<Socket>();

  constructor(options: SmtpOptions = {}) {
    this.#port = options.port ?? 0;
    this.#secure = options.secure ?? false;
    this.#server = new SMTPServer({
      secure: this.#secure,
      hideSTARTTLS: !options.startTls,
      allowInsecureAuth: !options.startTls,
      authMethods: ['PLAIN', 'LOGIN', 'XOAUTH2'],
      disableReverseLookup: true,
      logger: false,
      size: 1_000_000,
      socketTimeout: SOCKET_TIMEOUT_MS,
      closeTimeout: 100,
      onConnect: (_session, done) => this.#onConnect(done),
      onAuth: (auth, _session, done) => this.#onAuth(auth, done),
      onMailFrom: (_address, _session, done) => this.#onStage('from', done),
      onRcptTo: ({ address }, _session, done) => done(replyError(this.refuse.get(address) ?? null)),
      onData: (stream, session, done) => void this.#onData(stream, session, done),
    });
    this.#server.on('error', () => undefined);
    this.#server.server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  async start(): Promise<this> {
    this.#port ||= await ownPort();
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
    return this;
  }

  async stop(): Promise<void> {
    // The server ends its connections itself: a raw socket must not be taken from under TLS.
    await new Promise<void>((resolve) => this.#server.close(resolve));
  }

  get port(): number {
    return (this.#server.server.address() as AddressInfo).port;
  }

  /** With user and password, as in relay.yaml. */
  get smtpUrl(): string {
    return this.url.replace('://', `://${this.user}:${encodeURIComponent(this.password)}@`);
  }

  /** Without user and password. */
  get url(): string {
    return `${this.#secure ? 'smtps' : 'smtp'}://127.0.0.1:${this.port}`;
  }

  failNext(fault: SmtpFault, times = 1): void {
    for (let i = 0; i < times; i++) this.#faults.push(fault);
  }

  /** Cuts every connection; for servers without TLS. */
  dropAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #onConnect(done: (error?: Error | null) => void): void {
    this.connections++;
    this.#onStage('connect', done);
  }

  #onStage(at: 'connect' | 'from', done: (error?: Error | null) => void): void {
    const fault = this.#take(at);
    if (fault?.kind === 'drop') return this.dropAll();
    done(fault?.kind === 'refuse' ? replyError(fault.code) : null);
  }

  #onAuth(auth: LoginAttempt, done: LoginDone): void {
    const { method, username, password, accessToken } = auth;
    this.logins.push({ method, token: accessToken ?? null });
    const ok =
      method === 'XOAUTH2'
        ? this.token !== null && accessToken === this.token
        : username === this.user && password === this.password;
    done(ok ? null : replyError(535), ok ? { user: username ?? this.user } : {});
  }

  async #onData(
    stream: SMTPServerDataStream,
    session: SMTPServerSession,
    done: (error?: Error | null, message?: string) => void,
  ) {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of stream) chunks.push(chunk as Buffer);
    } catch {
      return; // the client gave up
    }
    const fault = this.#take('data');
    if (fault?.kind === 'refuse') return done(replyError(fault.code));
    const raw = Buffer.concat(chunks);
    const faults = mailFaults(raw.toString('latin1'));
    if (faults.length > 0) {
      this.refusals.push(...faults);
      return done(replyError(554));
    }
    if (fault === null || ('taken' in fault && fault.taken)) await this.#keep(raw, session);
    if (fault?.kind === 'hang') return;
    if (fault?.kind === 'drop') return this.dropAll();
    done(null, `2.0.0 Ok: queued as ${this.mails.length}`);
  }

  async #keep(raw: Buffer, session: SMTPServerSession): Promise<void> {
    const { mailFrom, rcptTo } = session.envelope;
    this.mails.push({
      from: mailFrom === false ? '' : mailFrom.address,
      to: rcptTo.map(({ address }) => address),
      mail: await simpleParser(raw),
      raw: raw.toString('utf8'),
      secure: session.secure,
    });
  }

  /** The next fault when it is meant for this point, else null. */
  #take(at: SmtpFault['at']): SmtpFault | null {
    if (this.#faults[0]?.at !== at) return null;
    return this.#faults.shift() ?? null;
  }
}

type LoginDone = (error: Error | null, response?: { user?: string }) => void;

interface LoginAttempt {
  method: string;
  username?: string | null | undefined;
  password?: string | null | undefined;
  accessToken?: string | null | undefined;
}

function replyError(code: number | null): Error | null {
  if (code === null) return null;
  const text = code === 535 ? '5.7.8 authentication failed' : `${String(code)[0]}.0.0 refused on purpose`;
  return Object.assign(new Error(text), { responseCode: code });
}
