/** A local sign-in service: publishes keys, signs tokens as Entra does, and can be away. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, type JWK } from 'jose';
import type { EntraConfig } from '#src/config/types.ts';

export const TENANT = '22222222-bbbb-4bbb-8bbb-000000000001';
export const AUDIENCE = 'api://33333333-cccc-4ccc-8ccc-000000000001';
/** Azure's action groups (azure-local 5). */
export const CALLER = '461e8683-5575-4561-ac7f-899cc907d62a';

type Key = Awaited<ReturnType<typeof generateKeyPair>>;

export interface TokenOptions {
  claims?: Record<string, unknown>;
  /** Claims to leave out. */
  without?: string[];
  /** Signs with a key that is not published, under the name of one that is. */
  forged?: boolean;
  kid?: string;
}

export class EntraServer {
  /** Requests for the keys. */
  asked = 0;
  /** How the endpoint answers instead. */
  fault: 'hang' | 'error' | 'html' | null = null;
  readonly #server: Server;
  #keys = new Map<string, Key>();
  #jwks: JWK[] = [];
  #stranger: Key | null = null;

  constructor() {
    this.#server = createServer((request, response) => {
      this.asked++;
      if (this.fault === 'hang') return;
      if (this.fault === 'error') return void response.writeHead(500).end('no');
      if (this.fault === 'html')
        return void response.writeHead(200, { 'content-type': 'text/html' }).end('<p>Sorry</p>');
      const known = request.url === `/${TENANT}/discovery/v2.0/keys`;
      response.writeHead(known ? 200 : 404, { 'content-type': 'application/json' });
      response.end(JSON.stringify(known ? { keys: this.#jwks } : {}));
    });
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    await this.rotate('key-1');
    this.#stranger = await generateKeyPair('RS256');
    return this;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  get authority(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Publishes one more key. */
  async rotate(kid: string): Promise<void> {
    const pair = await generateKeyPair('RS256', { extractable: true });
    this.#keys.set(kid, pair);
    this.#jwks.push({ ...(await exportJWK(pair.publicKey)), kid, use: 'sig' });
  }

  config(overrides: Partial<EntraConfig> = {}): EntraConfig {
    return {
      tenant: TENANT,
      audience: [AUDIENCE],
      appId: CALLER,
      role: 'ActionGroupsSecureWebhook',
      authority: this.authority,
      source: 'entra',
      ...overrides,
    };
  }

  /** A token of v1, as an app registration gets it unless it asks for v2. */
  token({ claims = {}, without = [], forged = false, kid = 'key-1' }: TokenOptions = {}): Promise<string> {
    const key = forged ? this.#stranger! : this.#keys.get(kid)!;
    return new SignJWT(this.claims(claims, without))
      .setProtectedHeader({ alg: 'RS256', kid, typ: 'JWT' })
      .sign(key.privateKey);
  }

  /** The claims of a good token. */
  claims(overrides: Record<string, unknown> = {}, without: string[] = []): Record<string, unknown> {
    const nowS = Math.floor(Date.now() / 1000);
    const all: Record<string, unknown> = {
      iss: `https://sts.windows.net/${TENANT}/`,
      aud: AUDIENCE,
      tid: TENANT,
      appid: CALLER,
      roles: ['ActionGroupsSecureWebhook'],
      ver: '1.0',
      iat: nowS - 10,
      nbf: nowS - 10,
      exp: nowS + 3600,
      ...overrides,
    };
    return Object.fromEntries(Object.entries(all).filter(([name]) => !without.includes(name)));
  }

  /** A token signed with the public key as if it were a shared secret. */
  async confused(): Promise<string> {
    const pem = await exportSPKI(this.#keys.get('key-1')!.publicKey);
    return new SignJWT(this.claims()).setProtectedHeader({ alg: 'HS256', kid: 'key-1' }).sign(Buffer.from(pem));
  }

  /** A token without a signature. */
  unsigned(): string {
    const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    return `${part({ alg: 'none', typ: 'JWT' })}.${part(this.claims())}.`;
  }
}
