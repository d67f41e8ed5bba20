/** The stage of a scenario: folder, stores, vendors, config, relays; all gone at its end. */
import { chmodSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTestPostgres } from '#test/support/postgres.ts';
import { startTestRedis, type TestRedis } from '#test/support/redis.ts';
import { castSecrets, destinationLine, startCast, type Cast, type Part } from './cast.ts';
import { createRelay, type RelayProcess } from './relay-process.ts';
import { createSender, type Sender } from './sender.ts';
import type { Context } from './scenario.ts';

export const RECEIVER_TOKEN = 'chaos-receiver-token-71c2';
export const OPERATE_TOKEN = 'chaos-operate-token-58ab93';
export const READ_TOKEN = 'chaos-read-token-27dd41';

export type Footing = 'embedded' | 'postgres' | 'redis';

export interface StageOptions {
  footing: Footing;
  /** Which vendors get a destination, with extra settings in YAML; all of them by default. */
  parts?: Partial<Record<Part, string>>;
  /** YAML after the destinations; routes everything everywhere by default. */
  rest?: string;
  /** YAML in flow style, to stand beside `tokens` in `receivers`. */
  receivers?: string;
  /** What `rest` and `receivers` hold that nobody may ever see. */
  secrets?: readonly string[];
}

export interface Stage {
  readonly folder: string;
  readonly cast: Cast;
  /** Null on the embedded footing. */
  readonly databaseUrl: string | null;
  readonly redis: TestRedis | null;
  readonly parts: readonly Part[];
  readonly configFile: string;
  /** Writes another config; relays notice by themselves or by SIGHUP. */
  configure(options: Pick<StageOptions, 'parts' | 'rest'> | string): void;
  /** A relay with this role on the stage's stores; `environment` wins over the stage's. */
  relay(name: string, environment?: Record<string, string>): Promise<RelayProcess>;
  /** Talks to a relay, as Azure and as people. */
  sender(relay: RelayProcess): Sender;
  readonly relays: readonly RelayProcess[];
  readonly secrets: readonly string[];
}

const ALL: Partial<Record<Part, string>> = { pager: '', genie: '', snow: '', teams: '', smtp: '', hook: '' };

/** Puts everything up but the relays. At the end their logs are searched for every configured secret. */
export async function openStage(context: Context, options: StageOptions): Promise<Stage> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'relay-chaos-')));
  // The embedded Postgres may run as another user, which has to pass through.
  chmodSync(folder, 0o711);
  context.onEnd(async () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  const cast = await startCast();
  context.onEnd(() => cast.stop());
  const postgres = options.footing === 'embedded' ? null : await startTestPostgres();
  if (postgres) context.onEnd(() => postgres.stop());
  const redis = options.footing === 'redis' ? await startTestRedis() : null;
  if (redis) context.onEnd(() => redis.stop());
  const databaseUrl = (await postgres?.freshDatabase()) ?? null;
  const configFile = join(folder, 'relay.yaml');
  const relays: RelayProcess[] = [];
  const senders: Sender[] = [];
  const stage: Stage = {
    folder,
    cast,
    databaseUrl,
    redis,
    parts: Object.keys(options.parts ?? ALL) as Part[],
    configFile,
    configure(given) {
      const text =
        typeof given === 'string'
          ? given
          : yaml(cast, { ...options, parts: given.parts ?? options.parts ?? ALL, rest: given.rest ?? options.rest });
      writeFileSync(configFile, text, { mode: 0o600 });
    },
    async relay(name, environment = {}) {
      const stores: Record<string, string> =
        databaseUrl === null ? { RELAY_DATA_DIR: join(folder, `data-${name}`) } : { DATABASE_URL: databaseUrl };
      if (redis) stores['REDIS_URL'] = redis.url;
      const relay = await createRelay({ name, folder, configFile, environment: { ...stores, ...environment } });
      relays.push(relay);
      return relay;
    },
    sender(relay) {
      const sender = createSender(relay.url, { receiver: RECEIVER_TOKEN, api: OPERATE_TOKEN });
      senders.push(sender);
      return sender;
    },
    relays,
    secrets: [
      RECEIVER_TOKEN,
      OPERATE_TOKEN,
      READ_TOKEN,
      ...castSecrets(cast),
      ...password(databaseUrl),
      ...(options.secrets ?? []),
    ],
  };
  stage.configure({});
  context.onEnd(async () => {
    const died = relays.flatMap((relay) => relay.died ?? []);
    context.promise('no process ends by itself', died.length === 0, died[0]);
    await Promise.all(senders.map((sender) => sender.close()));
    await Promise.all(relays.map((relay) => relay.stop()));
    // What a relay that was killed has left, its Postgres above all.
    await Promise.all(relays.map((relay) => relay.killAll()));
    const found = stage.secrets.filter((secret) => relays.some((relay) => relay.log().includes(secret)));
    context.promise('no log line holds a configured secret', found.length === 0, found);
  });
  return stage;
}

function yaml(
  cast: Cast,
  options: { parts: Partial<Record<Part, string>>; rest: string | undefined; receivers?: string },
): string {
  const { parts, rest, receivers } = options;
  const destinations = Object.entries(parts).map(([part, more]) => destinationLine(cast, part as Part, more));
  return `receivers: { tokens: [{ source: chaos, token: ${RECEIVER_TOKEN} }]${receivers ? `, ${receivers}` : ''} }
api: { tokens: [{ role: operate, name: ops, token: ${OPERATE_TOKEN} }, { role: read, name: eyes, token: ${READ_TOKEN} }] }
egress: { allow: [127.0.0.0/8] }
destinations:
${destinations.join('\n')}
${rest ?? ''}
`;
}

function password(url: string | null): string[] {
  const found = url === null ? '' : decodeURIComponent(new URL(url).password);
  // A development password such as "postgres" is a word of every log.
  return found.length >= 12 ? [found] : [];
}
