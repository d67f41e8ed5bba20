/**
 * The endpoint that App Service and Container Apps give a managed identity (`IDENTITY_ENDPOINT`, `IDENTITY_HEADER`),
 * strict about header, version and resource. The real identity library talks to it.
 */
import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface IssuedToken {
  token: string;
  resource: string;
  /** Ends at this time, milliseconds since 1970, a whole second as Azure gives it. */
  untilMs: number;
}

export class IdentityEndpoint {
  readonly issued: IssuedToken[] = [];
  /** Seconds that a new token lives. The identity library keeps one of over five minutes for all users in the process. */
  lifetimeS = 120;
  /** Status in place of a token. */
  failWith: number | null = null;
  /** Runs before a new token is handed out, as Entra knows a token before its holder does. */
  onIssue: ((token: IssuedToken) => Promise<void>) | null = null;
  #server: Server | null = null;
  readonly #header = randomBytes(12).toString('hex');

  /** Starts, and sets the variables that the identity library looks for. */
  async start(): Promise<this> {
    this.#server = createServer((request, response) => {
      this.#answer(request.url ?? '/', request.headers['x-identity-header']).then(
        ({ status, body }) =>
          response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
        (error: Error) => response.writeHead(500).end(JSON.stringify({ message: error.message })),
      );
    });
    await new Promise<void>((resolve) => this.#server!.listen(0, '127.0.0.1', resolve));
    process.env['IDENTITY_ENDPOINT'] = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/msi/token`;
    process.env['IDENTITY_HEADER'] = this.#header;
    return this;
  }

  async stop(): Promise<void> {
    delete process.env['IDENTITY_ENDPOINT'];
    delete process.env['IDENTITY_HEADER'];
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  /** As after the start, at the same address. */
  reset(): void {
    this.issued.length = 0;
    this.lifetimeS = 120;
    this.failWith = null;
    this.onIssue = null;
  }

  /** The newest token for a resource. */
  newest(resource: string): IssuedToken | undefined {
    return this.issued.findLast((one) => one.resource === resource);
  }

  async #answer(path: string, header: string | string[] | undefined): Promise<{ status: number; body: unknown }> {
    const { searchParams } = new URL(path, 'http://local');
    if (header !== this.#header) return { status: 401, body: { message: 'X-IDENTITY-HEADER is wrong' } };
    if (searchParams.get('api-version') !== '2019-08-01') return { status: 400, body: { message: 'api-version' } };
    const resource = searchParams.get('resource');
    if (resource === null) return { status: 400, body: { message: 'resource' } };
    if (this.failWith !== null) return { status: this.failWith, body: { message: 'identity is not available' } };
    const untilS = Math.floor(Date.now() / 1000) + this.lifetimeS;
    // As long as real ones: over a kilobyte.
    const token = `eyJ0.${randomBytes(800).toString('base64url')}.${this.issued.length}`;
    const one = { token, resource, untilMs: untilS * 1000 };
    await this.onIssue?.(one);
    this.issued.push(one);
    return {
      status: 200,
      body: { access_token: token, expires_on: String(untilS), resource, token_type: 'Bearer', client_id: 'c' },
    };
  }
}
