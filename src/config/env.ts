/** The one reader of the environment (design section 4). Everything else takes what it says as arguments. */
import { join } from 'node:path';
import { readTracing, type TracingSettings } from './env-tracing.ts';
import { usual } from './env-variables.ts';

export type RelayRole = 'all' | 'api' | 'worker';
export type StoreAuth = 'password' | 'entra';
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

export interface Environment {
  /** 0 lets the system choose a free one. */
  port: number;
  host: string;
  /** Null: Postgres is started by the relay. */
  databaseUrl: string | null;
  /** Null: the queue lives on Postgres. */
  redisUrl: string | null;
  /** `entra`: a token of Microsoft Entra in place of the password in the URL. */
  databaseAuth: StoreAuth;
  redisAuth: StoreAuth;
  configFile: string;
  role: RelayRole;
  dataDir: string;
  /** Null: no folder was declared durable, so there is no spool. */
  spoolDir: string | null;
  logLevel: LogLevel;
  /** Null or absent: nothing asks for traces. */
  tracing?: TracingSettings | null;
}

export interface EnvironmentFault {
  /** Name of the variable. */
  variable: string;
  message: string;
  hint: string;
}

export type EnvironmentResult = { ok: true; value: Environment } | { ok: false; faults: EnvironmentFault[] };

const STORE_AUTHS: readonly StoreAuth[] = ['password', 'entra'];
const ROLES: readonly RelayRole[] = ['all', 'api', 'worker'];
const LOG_LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/** All faults at once. An empty variable counts as not set, as compose files like to pass them. Values of URLs are never quoted. */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): EnvironmentResult {
  const faults: EnvironmentFault[] = [];
  const fault = (variable: string, message: string, hint: string): void =>
    void faults.push({ variable, message, hint });
  const get = (variable: string): string | null => env[variable]?.trim() || null;

  const oneOf = <T extends string>(variable: Parameters<typeof usual>[0], words: readonly T[]): T => {
    const given = get(variable);
    const pick = (wanted: string): T | undefined => words.find((word) => word === wanted.toLowerCase());
    const found = pick(given ?? usual(variable));
    if (found === undefined) fault(variable, `${shown(given)} is not known`, `one of ${words.join(', ')}`);
    return found ?? pick(usual(variable))!;
  };
  const url = (variable: string, schemes: readonly string[]): string | null => {
    const given = get(variable);
    if (given === null) return null;
    const protocol = URL.canParse(given) ? new URL(given).protocol : '';
    const hint = `write ${schemes.map((scheme) => `${scheme}//host`).join(' or ')}`;
    if (!schemes.includes(protocol)) fault(variable, 'is not a URL of the right kind', hint);
    return given;
  };

  /** A token is as good as a password to whoever reads it: it may not cross a network in the clear, or to just anyone. */
  const auth = (name: 'DATABASE' | 'REDIS', address: string | null, secure: (url: URL) => boolean): StoreAuth => {
    const way = oneOf(`${name}_AUTH`, STORE_AUTHS);
    if (way !== 'entra') return way;
    const variable = `${name}_URL`;
    if (address === null) fault(variable, `is not set, but ${name}_AUTH=entra needs it`, 'a token needs a server');
    if (address === null || !URL.canParse(address)) return way;
    const { username, password, hostname } = new URL(address);
    if (password !== '') fault(variable, `has a password beside ${name}_AUTH=entra`, 'take one of the two away');
    const user = name === 'REDIS' ? 'object id' : 'name';
    if (username === '') fault(variable, 'names no user', `write the ${user} of the identity before the @`);
    if (!secure(new URL(address)) && !/^(localhost|127\.[\d.]+|\[::1\])$/.test(hostname)) {
      const tls = name === 'REDIS' ? 'rediss://' : '?sslmode=verify-full';
      fault(variable, 'would show the token without checking who gets it', `write ${tls}`);
    }
    return way;
  };

  const databaseUrl = url('DATABASE_URL', ['postgres:', 'postgresql:']);
  const role = oneOf('RELAY_ROLE', ROLES);
  if (role !== 'all' && databaseUrl === null) {
    fault('DATABASE_URL', `is not set, but RELAY_ROLE=${role} needs it`, 'split roles share one Postgres server');
  }
  const port = get('PORT') ?? usual('PORT');
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535)
    fault('PORT', `${shown(port)} is not a port`, 'a number from 0 to 65535');
  const host = get('HOST') ?? usual('HOST');
  if (/[\s/]/.test(host)) fault('HOST', `${shown(host)} is not a host name or address`, 'such as 127.0.0.1 or 0.0.0.0');

  const redisUrl = url('REDIS_URL', ['redis:', 'rediss:']);

  const declared = get('RELAY_DATA_DIR');
  const dataDir = declared ?? usual('RELAY_DATA_DIR');
  const durable = declared !== null || databaseUrl === null;
  const value: Environment = {
    port: Number(port),
    host,
    databaseUrl,
    redisUrl,
    databaseAuth: auth('DATABASE', databaseUrl, (to) => to.searchParams.get('sslmode') === 'verify-full'),
    redisAuth: auth('REDIS', redisUrl, (to) => to.protocol === 'rediss:'),
    configFile: get('RELAY_CONFIG') ?? usual('RELAY_CONFIG'),
    role,
    dataDir,
    spoolDir: get('RELAY_SPOOL_DIR') ?? (durable ? join(dataDir, 'spool') : null),
    logLevel: oneOf('LOG_LEVEL', LOG_LEVELS),
    tracing: readTracing(get),
  };
  return faults.length > 0 ? { ok: false, faults } : { ok: true, value };
}

/** One line per fault: `PORT: "abc" is not a port; a number from 0 to 65535`. */
export function formatEnvironmentFaults(faults: readonly EnvironmentFault[]): string {
  return faults.map(({ variable, message, hint }) => `${variable}: ${message}; ${hint}`).join('\n');
}

function shown(value: string | null): string {
  return JSON.stringify((value ?? '').slice(0, 40));
}
