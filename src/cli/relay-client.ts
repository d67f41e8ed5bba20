/** Talks to a running relay over its HTTP API. */
import type { RelayConfig } from '#src/config/types.ts';
import { Failure, UsageError, type Io } from './command.ts';
import { configFile, openEnvironment, readConfig } from './setup.ts';

const TIMEOUT_MS = 20_000;

export interface RelayCall {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Path below the relay's address, with query. */
  path: string;
  accept?: string;
  body?: string | Uint8Array;
  /** Statuses beside 2xx that the caller wants to see. */
  expect?: readonly number[];
  /** 20 s unless set. */
  timeoutMs?: number;
}

export interface RelayClient {
  /** Address without a slash at the end. */
  url: string;
  /** Throws {@link Failure} in words when the relay cannot be reached or refuses. */
  call(options: RelayCall): Promise<{ status: number; text: string }>;
}

/** Where the relay is: the option, else `RELAY_URL`, else this machine at `PORT`. Without a slash at the end. */
export function relayUrl(io: Io, option?: string): string {
  const given = option ?? io.env['RELAY_URL']?.trim();
  if (given === undefined || given === '') return `http://127.0.0.1:${openEnvironment(io).port}`;
  if (!URL.canParse(given) || !/^https?:$/.test(new URL(given).protocol))
    throw new UsageError(`${option === undefined ? 'RELAY_URL' : '--url'} must be an address such as http://host:8080`);
  return given.replace(/\/+$/, '');
}

/** A client for people's questions: `RELAY_TOKEN`, else the first operate token of the config, else no token. */
export async function apiClient(io: Io): Promise<RelayClient> {
  const token =
    io.env['RELAY_TOKEN']?.trim() ||
    (await fromConfig(io, (config) => config.api.tokens.find((entry) => entry.role === 'operate')?.token));
  return createClient(relayUrl(io), token, 'RELAY_TOKEN, or an api token of role operate in relay.yaml');
}

/** A client for what Azure sends: the token given, else the first receiver token of the config, else none. */
export async function receiverClient(
  io: Io,
  options: { url: string | undefined; token: string | undefined },
): Promise<RelayClient> {
  const token = options.token ?? (await fromConfig(io, (config) => config.receivers.tokens[0]?.token));
  return createClient(relayUrl(io, options.url), token, '--token, or a receiver token in relay.yaml');
}

/** A config that cannot be read is no reason to give up: the relay may need no token, and says so if it does. */
async function fromConfig(io: Io, pick: (config: RelayConfig) => string | undefined): Promise<string | undefined> {
  const loaded = await readConfig(io, configFile(io, undefined));
  return loaded.ok ? pick(loaded.config) : undefined;
}

function createClient(url: string, token: string | undefined, whereTokens: string): RelayClient {
  return {
    url,
    async call({ method = 'GET', path, accept = 'application/json', body, expect = [], timeoutMs = TIMEOUT_MS }) {
      let response: Response;
      let text: string;
      try {
        response = await fetch(url + path, {
          method,
          headers: {
            accept,
            ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          },
          ...(body === undefined ? {} : { body }),
          // A redirect could carry the token elsewhere.
          redirect: 'error',
          signal: AbortSignal.timeout(timeoutMs),
        });
        text = await response.text();
      } catch (error) {
        throw new Failure(`no relay answers at ${url} (${reasonOf(error)}); start one, or set RELAY_URL`);
      }
      if (response.ok || expect.includes(response.status)) return { status: response.status, text };
      if (response.status === 401) throw new Failure(`the relay at ${url} wants another token: ${whereTokens}`);
      throw new Failure(`the relay answered ${response.status}${problemText(text)}`);
    },
  };
}

/** `: detail (code, request id)` of a problem document; empty for anything else. */
export function problemText(text: string): string {
  try {
    const { title, detail, code, requestId } = JSON.parse(text) as Record<string, unknown>;
    const said = typeof detail === 'string' && detail !== '' ? detail : title;
    if (typeof said !== 'string') return '';
    const marks = [code, requestId].filter((part) => typeof part === 'string').join(', ');
    return `: ${said}${marks === '' ? '' : ` (${marks})`}`;
  } catch {
    return '';
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  if (error.name === 'TimeoutError') return `nothing within ${TIMEOUT_MS / 1000} s`;
  const { cause } = error;
  const inner: unknown = cause instanceof AggregateError ? cause.errors[0] : cause;
  if (!(inner instanceof Error)) return error.message;
  return (inner as NodeJS.ErrnoException).code ?? inner.message;
}
