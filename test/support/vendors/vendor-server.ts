/**
 * Base of the strict local stand-ins for vendors that cannot run here: an HTTP server that records every request and
 * misbehaves on demand. A stand-in adds the vendor's state, limits and odd answers on top.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ownPort } from '#test/support/own-port.ts';

export interface VendorRequest {
  method: string;
  /** Path with query. */
  path: string;
  headers: Readonly<Record<string, string>>;
  body: string;
  at: number;
}

export interface VendorAnswer {
  status: number;
  headers?: Record<string, string>;
  /** A string is sent as it is, anything else as JSON; undefined is an empty body. */
  body?: unknown;
}

/** How the next request goes wrong. `after` faults let the vendor take the request first: the ambiguous case. */
export type Fault =
  | { kind: 'answer'; answer: VendorAnswer }
  /** Takes the request, then answers late. */
  | { kind: 'slow'; delayMs: number }
  /** Takes the request, then answers once this is settled. */
  | { kind: 'wait'; until: Promise<unknown> }
  /** Never answers; `taken` says whether the vendor took the request first. */
  | { kind: 'hang'; taken: boolean }
  /** Cuts the connection; `taken` says whether the vendor took the request first. */
  | { kind: 'reset'; taken: boolean }
  /** Takes the request, then sends the answer's body one byte a second. */
  | { kind: 'drip' };

/** Decides the answer from the vendor's own state. Must not throw. */
export type VendorHandler = (request: VendorRequest) => VendorAnswer | Promise<VendorAnswer>;

export class VendorServer {
  readonly requests: VendorRequest[] = [];
  readonly #handler: VendorHandler;
  readonly #server: Server;
  #faults: Fault[] = [];
  #standing: Fault | null = null;

  constructor(handler: VendorHandler) {
    this.#handler = handler;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  /** Listens on loopback; port 0 is a free one, and one that stays free for it while it is stopped. */
  async start(wanted = 0): Promise<this> {
    const port = wanted || (await ownPort());
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', resolve);
    });
    return this;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The next `times` requests meet this fault. */
  failNext(fault: Fault, times = 1): void {
    for (let i = 0; i < times; i++) this.#faults.push(fault);
  }

  /** Faults that no request has met yet are taken back. */
  clearFaults(): void {
    this.#faults = [];
  }

  /** Every request meets this fault until it is set to null. */
  failAlways(fault: Fault | null): void {
    this.#standing = fault;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return; // the client gave up while sending
    }
    const seen: VendorRequest = {
      method: request.method ?? '',
      path: request.url ?? '',
      headers: Object.fromEntries(Object.entries(request.headers).map(([k, v]) => [k, String(v)])),
      body: Buffer.concat(chunks).toString('utf8'),
      at: Date.now(),
    };
    this.requests.push(seen);
    const fault = this.#faults.shift() ?? this.#standing;
    if (fault?.kind === 'answer') return send(response, fault.answer);
    if ((fault?.kind === 'hang' || fault?.kind === 'reset') && !fault.taken) {
      if (fault.kind === 'reset') request.socket.destroy();
      return;
    }
    const answer = await this.#handler(seen);
    if (fault?.kind === 'hang') return;
    if (fault?.kind === 'reset') return void request.socket.destroy();
    if (fault?.kind === 'slow') await new Promise((resolve) => setTimeout(resolve, fault.delayMs));
    if (fault?.kind === 'wait') await fault.until;
    if (fault?.kind === 'drip') return drip(response, answer);
    send(response, answer);
  }
}

function encode(answer: VendorAnswer): { headers: Record<string, string>; text: string } {
  if (answer.body === undefined) return { headers: answer.headers ?? {}, text: '' };
  if (typeof answer.body === 'string') return { headers: answer.headers ?? {}, text: answer.body };
  return { headers: { 'content-type': 'application/json', ...answer.headers }, text: JSON.stringify(answer.body) };
}

function send(response: ServerResponse, answer: VendorAnswer): void {
  const { headers, text } = encode(answer);
  response.writeHead(answer.status, headers);
  response.end(text);
}

function drip(response: ServerResponse, answer: VendorAnswer): void {
  const { headers, text } = encode(answer);
  response.writeHead(answer.status, headers);
  let i = 0;
  const timer = setInterval(() => {
    if (i >= text.length || response.destroyed) {
      clearInterval(timer);
      response.end();
    } else response.write(text.charAt(i++));
  }, 1000);
}
