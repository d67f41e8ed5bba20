/** Where Postgres is and how we sign in: a URL with its password, or a URL and a function that brings a token. */
import { Client, type ClientConfig } from 'pg';

export interface PostgresAddress {
  url: string;
  /** In place of a password; called for each new connection. A connection outlives the token that opened it. */
  password?: () => Promise<string>;
}

/** Has the token fetched, so that a server does not wait for it in the middle of a sign-in. Rejects when there is none. */
export async function readyToSignIn(address: string | PostgresAddress): Promise<void> {
  if (typeof address !== 'string') await address.password?.();
}

/**
 * What pg needs to connect. With a function for a password the URL is taken apart here: pg 8.23 copies an address over
 * the other settings (connection-parameters.js), and its empty password would win over the function. Of the URL's
 * parameters only those of TLS count then.
 */
export function connectionOf(address: string | PostgresAddress): ClientConfig {
  const { url, password } = typeof address === 'string' ? { url: address } : address;
  if (password === undefined) return { connectionString: url };
  const { host, port, user, database, ssl } = new Client({ connectionString: url });
  return { host, port, user, database, ssl, password };
}
