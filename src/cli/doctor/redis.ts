/** Redis, which carries the bell: nothing is lost with it, but a wrong one rings late or not at all. */
import { Redis, type RedisOptions } from 'ioredis';
import type { TokenKeeper } from '#src/azure/token-keeper.ts';
import { openRedis } from '#src/queue/redis-with-token.ts';
import { within } from '#src/within.ts';
import { reportSkew } from './clock.ts';
import { bytesText, reasonOf, type Reporter, type Subject } from './finding.ts';

const ANSWER_MS = 5_000;
const MEMORY_WARN = 0.8;
const MEMORY_FAULT = 0.95;

/** @param tokens null: the URL brings the password, or none is needed */
export async function checkRedis({ env }: Subject, tokens: TokenKeeper | null, report: Reporter): Promise<void> {
  if (env.redisUrl === null) return report.ok('footing', 'REDIS_URL is not set: the queue lives on Postgres');
  let redis: Redis | null = null;
  let lastError: Error | null = null;
  try {
    await tokens?.get();
    redis = open(env.redisUrl, tokens, (error) => (lastError = error));
    await bounded(redis.ping());
    const askedMs = Date.now();
    const [seconds, micros] = await bounded(redis.time());
    const answeredMs = Date.now();
    const facts = infoFields(await bounded(redis.info()));
    report.ok('reach', `Redis ${facts['redis_version'] ?? 'of unknown version'} answers in ${answeredMs - askedMs} ms`);
    judgeRedis({ ...facts, ...(await policyOf(redis, facts)) }, report);
    reportSkew(report, 'Redis', { askedMs, answeredMs, theirsMs: Number(seconds) * 1_000 + Number(micros) / 1_000 });
  } catch (error) {
    report.fault('reach', `Redis does not answer as it should: ${reasonOf(lastError ?? error)}`, {
      means: 'nothing is lost: deliveries go out a second late, when the reconciler looks',
      do: 'check REDIS_URL, network and credentials from this machine',
    });
  } finally {
    redis?.disconnect();
  }
}

/** The lines of INFO as names and values. */
export function infoFields(info: string): Record<string, string> {
  const pairs = info.split(/\r?\n/).flatMap((line) => {
    const [, name, value] = /^([a-z_][\w.-]*):(.*)$/i.exec(line) ?? [];
    return name === undefined ? [] : [[name, value ?? ''] as const];
  });
  return Object.fromEntries(pairs);
}

/** What INFO says, judged. A managed Redis leaves out some of it. */
export function judgeRedis(facts: Readonly<Record<string, string>>, report: Reporter): void {
  judgeVersion(facts['redis_version'], report);
  const policy = facts['maxmemory_policy'];
  if (policy === undefined) {
    report.warn('maxmemory-policy', 'the server does not tell its eviction policy', {
      means: 'with another than noeviction rings can vanish from a full Redis',
      do: 'look it up where the server is managed; on Azure it is evictionPolicy',
    });
  } else if (policy !== 'noeviction') {
    report.fault('maxmemory-policy', `maxmemory-policy is ${policy}`, {
      means: 'a full Redis throws away rings, and the keys that the queue is made of',
      do: 'set maxmemory-policy to noeviction (on Azure: NoEviction)',
    });
  } else report.ok('maxmemory-policy', 'maxmemory-policy is noeviction');
  if (facts['aof_enabled'] === '1') {
    if ((facts['aof_last_write_status'] ?? 'ok') === 'ok') report.ok('aof', 'the append-only file is on');
    else {
      report.fault('aof', 'the last write to the append-only file failed', {
        means: 'Redis refuses writes until it succeeds: its disk is full or broken',
        do: 'make room on the disk of Redis',
      });
    }
  } else {
    report.warn('aof', 'the append-only file is off', {
      means: 'rings under way are lost when Redis restarts; each costs about a second, no signal and no page is lost',
      do: 'set appendonly to yes, or accept it, as the templates for Azure do',
    });
  }
  judgeMemory(facts, report);
  if (facts['role'] === 'slave') {
    report.fault('role', 'this Redis is a replica', {
      means: 'it takes no rings',
      do: 'let REDIS_URL name the primary',
    });
  }
  if (facts['cluster_enabled'] === '1') {
    report.fault('cluster', 'this Redis is a cluster', {
      means: 'the relay talks to one node, which sends it elsewhere for keys of other nodes',
      do: 'choose a database without clustering (on Azure: NoCluster); the queue is small',
    });
  }
}

function judgeVersion(version: string | undefined, report: Reporter): void {
  const [major = 0, minor = 0] = (version ?? '').split('.').map(Number);
  if (version === undefined || major > 6 || (major === 6 && minor >= 2)) return;
  const advice = { means: 'BullMQ is made for Redis 6.2 and later, and needs 5.0', do: 'upgrade Redis' };
  if (major < 5) report.fault('version', `Redis ${version}`, advice);
  else report.warn('version', `Redis ${version}`, advice);
}

function judgeMemory(facts: Readonly<Record<string, string>>, report: Reporter): void {
  const used = Number(facts['used_memory']);
  const max = Number(facts['maxmemory']) || Number(facts['total_system_memory']);
  if (!(used > 0) || !(max > 0)) return;
  const share = used / max;
  const says = `${bytesText(used)} of ${bytesText(max)} are used`;
  const advice = {
    means: 'a full Redis refuses rings; deliveries then go out a second late',
    do: 'give Redis more memory, or find who else fills it',
  };
  if (share >= MEMORY_FAULT) report.fault('memory', says, advice);
  else if (share >= MEMORY_WARN) report.warn('memory', says, advice);
  else report.ok('memory', says);
}

/** Where INFO does not name the policy, CONFIG may; managed servers forbid that. */
async function policyOf(redis: Redis, facts: Record<string, string>): Promise<Record<string, string>> {
  if (facts['maxmemory_policy'] !== undefined) return {};
  try {
    const answer: unknown = await bounded(redis.config('GET', 'maxmemory-policy'));
    const value: unknown = Array.isArray(answer) ? answer[1] : undefined;
    return typeof value === 'string' ? { maxmemory_policy: value } : {};
  } catch {
    return {};
  }
}

function open(url: string, tokens: TokenKeeper | null, onError: (error: Error) => void): Redis {
  const options: RedisOptions = { connectTimeout: ANSWER_MS, maxRetriesPerRequest: 0, retryStrategy: () => null };
  const redis = tokens ? openRedis(url, options, { tokens, onError }) : new Redis(url, options);
  redis.on('error', onError);
  return redis;
}

function bounded<T>(work: Promise<T>): Promise<T> {
  return within(work, ANSWER_MS, () => new Error(`no answer within ${ANSWER_MS / 1000} s`));
}
