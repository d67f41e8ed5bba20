/** Postgres, the truth: is it there, does it keep what it says, does it fit this release. */
import type { PostgresAddress } from '#src/db/address.ts';
import { readSchemaFacts, readServerFacts, visitPostgres, type SchemaFacts, type ServerFacts } from '#src/db/doctor.ts';
import { openPools } from '#src/db/pools.ts';
import { QUEUE_CONNECTIONS } from '#src/queue/bell.ts';
import { reportSkew } from './clock.ts';
import { reasonOf, type Reporter, type Subject } from './finding.ts';

const VERSION_MIN = 140_000;

/** @param address null where the relay starts a Postgres of its own */
export async function checkPostgres(
  { env }: Subject,
  address: PostgresAddress | null,
  report: Reporter,
): Promise<void> {
  if (address === null) {
    return report.ok(
      'footing',
      'DATABASE_URL is not set: the relay starts a Postgres of its own and sees to it itself',
    );
  }
  try {
    await visitPostgres(address, async (db) => {
      // The first statement pays for what the connection sets up.
      await readServerFacts(db);
      const askedMs = Date.now();
      const facts = await readServerFacts(db);
      const answeredMs = Date.now();
      report.ok('reach', `Postgres ${facts.versionText} answers in ${answeredMs - askedMs} ms`);
      judgeServer(facts, report);
      judgeConnections(facts, connectionsOfOne(address, env.redisUrl === null), report);
      judgeSchema(await readSchemaFacts(db), report);
      reportSkew(report, 'Postgres', { askedMs, answeredMs, theirsMs: facts.nowMs });
    });
  } catch (error) {
    const token = env.databaseAuth === 'entra' ? ', and the identity with its role in Postgres' : '';
    report.fault('reach', `Postgres does not answer as it should: ${reasonOf(error)}`, {
      means: 'signals are spooled where there is a spool, else their senders get 503; nothing but pagers is told',
      do: `check DATABASE_URL, network and credentials from this machine${token}`,
    });
  }
}

/** Settings on which the promises of the relay rest. */
export function judgeServer(facts: ServerFacts, report: Reporter): void {
  if (facts.version < VERSION_MIN) {
    report.fault('version', `Postgres ${facts.versionText}`, {
      means: 'the relay is made for Postgres 14 and later',
      do: 'upgrade the server',
    });
  } else report.ok('version', `Postgres ${facts.versionText}`);
  if (facts.readOnly) {
    report.fault('writable', 'the server takes no writes: a standby, or default_transaction_read_only is on', {
      means: 'no signal can be kept',
      do: 'let DATABASE_URL name the primary',
    });
  }
  const unsafe = { fsync: facts.fsync, synchronous_commit: facts.synchronousCommit };
  for (const [setting, value] of Object.entries(unsafe)) {
    if (value === 'off') {
      report.fault(setting, `${setting} is off`, {
        means: 'what the relay has acknowledged to Azure can be gone after a crash of the server',
        do: `set ${setting} to on, for the server and for the relay's role`,
      });
    } else report.ok(setting, `${setting} is ${value}`);
  }
  if (facts.fullPageWrites === 'off') {
    report.warn('full_page_writes', 'full_page_writes is off', {
      means: 'a crash of the server in the middle of a write can damage the data, unless the disk writes whole pages',
      do: 'set it to on, or make sure of the file system',
    });
  }
  if (facts.mayCreateTables && facts.mayCreateSchemas)
    report.ok('rights', 'our role may migrate; no extension is needed');
  else {
    report.fault('rights', `our role may not create ${facts.mayCreateTables ? 'schemas' : 'tables'} in this database`, {
      means: 'migrations fail, and the relay does not start',
      do: 'make the role the owner of its database',
    });
  }
}

/** @param needed connections that one process opens at most */
export function judgeConnections(facts: ServerFacts, needed: number, report: Reporter): void {
  const usable = facts.connectionsMax - facts.connectionsReserved;
  const free = usable - facts.connectionsUsed;
  const says = `${free} of ${usable} connections are free; one process of the relay opens up to ${needed}`;
  const advice = {
    means: 'a process that finds no connection spools or answers 503 until one is free',
    do: 'raise max_connections, or run fewer replicas',
  };
  if (usable < needed) report.fault('connections', says, advice);
  else if (free < needed) report.warn('connections', says, advice);
  else report.ok('connections', says);
}

/** Release N runs on schema N and N+1 (design section 5). */
export function judgeSchema({ missing, ahead, empty }: SchemaFacts, report: Reporter): void {
  const migrate = 'start this release, or run `npm run relay -- migrate`';
  if (empty) {
    report.warn('schema', 'the database is empty', { means: 'the relay has never been started on it', do: migrate });
  } else if (ahead > 1) {
    report.fault('schema', `the database is ${ahead} versions ahead of this release`, {
      means: 'this release refuses to start on it',
      do: 'upgrade the relay',
    });
  } else if (missing.length > 0) {
    report.fault('schema', `the database lacks ${missing.length} of our migrations: ${missing.join(', ')}`, {
      means: 'an older release made it, or the migration at the last start failed; this release does not run on it',
      do: migrate,
    });
  } else if (ahead === 1) {
    report.warn('schema', 'the database is one version ahead of this release', {
      means: 'a newer release has migrated it; both run side by side while a roll-out lasts',
      do: 'end the roll-out: upgrade the rest',
    });
  } else report.ok('schema', 'the schema is that of this release');
}

function connectionsOfOne(address: PostgresAddress, queueOnPostgres: boolean): number {
  const pools = openPools(address, () => undefined);
  const own = Object.values(pools).reduce((sum: number, pool: unknown) => sum + maxOf(pool), 0);
  void pools.end();
  return own + (queueOnPostgres ? QUEUE_CONNECTIONS : 0);
}

function maxOf(pool: unknown): number {
  const { options } = (typeof pool === 'object' && pool !== null ? pool : {}) as { options?: { max?: unknown } };
  return typeof options?.max === 'number' ? options.max : 0;
}
