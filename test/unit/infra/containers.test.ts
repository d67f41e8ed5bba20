import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { RelayDocument } from '#src/config/schema.ts';
import { readEnvironment } from '#src/config/env.ts';

interface Service {
  image: string;
  build?: { context: string; dockerfile: string };
  command?: string[];
  environment?: Record<string, string>;
  healthcheck?: { test: string[] };
  labels?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  profiles?: string[];
  depends_on?: Record<string, { condition: string }> | string[];
  read_only?: boolean;
}
interface Compose {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
}

const root = new URL('../../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const has = (path: string): boolean => existsSync(new URL(path, root));
const compose = parse(read('docker-compose.yml'), { merge: true }) as Compose;
const services = Object.entries(compose.services);
/** Values as compose fills them in when nothing is set: `${NAME:-default}`. */
const filled = (text: string): string => text.replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1');

describe('docker-compose.yml', () => {
  test('has api, worker, Postgres, Redis, a mail catcher and the Event Hubs emulator behind its profile', () => {
    expect(services.filter(([, { profiles }]) => profiles === undefined).map(([name]) => name)).toEqual([
      'api',
      'worker',
      'postgres',
      'redis',
      'mail',
    ]);
    expect(services.filter(([, { profiles }]) => profiles?.includes('eventhubs')).map(([name]) => name)).toEqual([
      'azurite',
      'eventhubs',
      'eventhubs-ready',
    ]);
  });

  test.each(services)('%s has a health check, of its own or by a service that calls it', (name, service) => {
    const checker = service.labels?.['relay.health-by'];
    if (checker === undefined) expect(service.healthcheck?.test.length).toBeGreaterThan(1);
    else expect(compose.services[checker]?.healthcheck?.test.join(' ')).toContain(`http://${name}:`);
  });

  test.each(services)('%s has a pinned image, or is built here', (_name, { image, build }) => {
    const tag = image.split(':')[1];
    expect(tag).toBeDefined();
    if (build === undefined) expect(tag).toMatch(/^v?\d+\.\d+/);
    else expect(has(build.dockerfile)).toBe(true);
  });

  test.each(services)('%s mounts only what exists', (_name, { volumes = [] }) => {
    for (const volume of volumes) {
      const source = volume.split(':')[0]!;
      if (source.startsWith('.')) expect(has(source), source).toBe(true);
      else expect(Object.keys(compose.volumes)).toContain(source);
    }
  });

  test.each(services)('%s opens ports on loopback only', (_name, { ports = [] }) => {
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
  });

  test('runs Redis with an append-only file and without eviction', () => {
    const command = compose.services['redis']!.command!;
    expect(command[command.indexOf('--appendonly') + 1]).toBe('yes');
    expect(command[command.indexOf('--maxmemory-policy') + 1]).toBe('noeviction');
  });

  test.each(['api', 'worker'])(
    'gives %s an environment that the relay takes, and a config file that exists',
    (name) => {
      const service = compose.services[name]!;
      const result = readEnvironment(service.environment!);
      expect(result).toMatchObject({ ok: true, value: { role: name } });
      const mount = service.volumes!.find((volume) => volume.includes(':/etc/relay'))!.split(':')[0]!;
      expect(has(`${mount}/${filled(service.environment!['RELAY_CONFIG']!).replace('/etc/relay/', '')}`)).toBe(true);
    },
  );

  test('spools only in the api, and only on a volume', () => {
    const spoolDir = (name: string): string | null => {
      const result = readEnvironment(compose.services[name]!.environment!);
      return result.ok ? result.value.spoolDir : null;
    };
    expect(spoolDir('worker')).toBeNull();
    const mounts = compose.services['api']!.volumes!.map((volume) => volume.split(':'));
    const named = mounts.filter(([source]) => !source!.startsWith('.')).map(([, target]) => target!);
    expect(named.some((target) => spoolDir('api')!.startsWith(target))).toBe(true);
  });

  test.each(['relay-local.yaml', 'relay-event-hubs.yaml'])('%s is a config that the relay takes', (file) => {
    const text = read(`infra/compose/${file}`);
    const environment = compose.services['api']!.environment!;
    const document: unknown = parse(
      text.replaceAll(/\$\{(\w+)\}/g, (_all, name: string) => {
        expect(environment[name], name).toBeDefined();
        return environment[name]!;
      }),
    );
    expect(RelayDocument.safeParse(document).error?.issues).toBeUndefined();
  });

  test('reads the hub and the consumer group that the emulator makes', () => {
    const { UserConfig } = JSON.parse(read('infra/event-hubs-emulator/Config.json')) as {
      UserConfig: {
        NamespaceConfig: { Name: string; Entities: { Name: string; ConsumerGroups: { Name: string }[] }[] }[];
      };
    };
    const [namespace] = UserConfig.NamespaceConfig;
    expect(namespace?.Name).toBe('emulatorNs1');
    const [entity] = namespace!.Entities;
    expect(compose.services['api']!.environment!['EVENT_HUBS_CONNECTION']).toContain(`EntityPath=${entity!.Name}`);
    const config = parse(read('infra/compose/relay-event-hubs.yaml')) as {
      receivers: { eventHubs: { consumerGroup: string }[] };
    };
    expect(entity!.ConsumerGroups.map(({ Name }) => Name)).toContain(config.receivers.eventHubs[0]!.consumerGroup);
  });
});

describe('infra/Dockerfile', () => {
  const lines = read('infra/Dockerfile').replaceAll('\\\n', ' ').split('\n');
  const of = (word: string): string[] =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));

  test('copies only what exists and what .dockerignore lets through', () => {
    const sources = of('COPY')
      .filter((line) => !line.startsWith('--from='))
      .flatMap((line) => line.split(/\s+/).slice(0, -1));
    expect(sources).toEqual(expect.arrayContaining(['package.json', 'package-lock.json', 'src', 'adapters']));
    const allowed = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    for (const source of sources) {
      expect(has(source), source).toBe(true);
      expect(allowed).toContain(source);
    }
    expect(read('.dockerignore').split('\n')).toContain('*');
  });

  test('copies between stages that exist', () => {
    const stages = of('FROM').flatMap((line) => / AS (\S+)$/.exec(line)?.slice(1) ?? []);
    const from = of('COPY').flatMap((line) => /--from=(\S+)/.exec(line)?.slice(1) ?? []);
    expect(from.length).toBeGreaterThan(0);
    expect(from.filter((name) => !stages.includes(name))).toEqual([]);
  });

  test('has the Node release that development pins', () => {
    const { devDependencies } = JSON.parse(read('package.json')) as { devDependencies: { node: string } };
    expect(of('ARG')).toEqual([`NODE_VERSION=${devDependencies.node}`]);
    expect(of('FROM').every((line) => line.startsWith('node:${NODE_VERSION}-slim'))).toBe(true);
  });

  test('starts what npm start starts, without root, and checks /livez', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: { start: string } };
    expect((JSON.parse(of('CMD').at(-1)!) as string[]).join(' ')).toBe(scripts.start.replace(/^exec /, ''));
    expect(of('USER')).toEqual(['1000:1000']);
    // What is no JSON would be run by a shell, as it stands.
    const check = /\sCMD (\[.*\])$/.exec(of('HEALTHCHECK').join())![1]!;
    expect(JSON.parse(check)).toEqual(['node', '-e', expect.stringContaining('/livez')]);
  });

  test('leaves development, optional and scripted packages out', () => {
    expect(of('RUN').join()).toMatch(/npm ci --omit=dev --omit=optional --ignore-scripts/);
  });

  test('does not call a folder of the container durable: a spool needs a volume', () => {
    const set = of('ENV').flatMap((line) =>
      [...line.matchAll(/(\w+)=(\S*)/g)].map(([, name, value]) => [name!, value!]),
    );
    const env = { ...Object.fromEntries(set), DATABASE_URL: 'postgresql://db/relay' };
    expect(readEnvironment(env)).toMatchObject({ ok: true, value: { host: '0.0.0.0', spoolDir: null } });
  });
});
