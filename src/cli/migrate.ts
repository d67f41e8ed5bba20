/** `relay migrate`: brings a database to this release's schema before the release starts. */
import { Failure, parseCommand, type Command } from './command.ts';
import { openEnvironment, postgresAddress } from './setup.ts';

export const command: Command = {
  name: 'migrate',
  summary: 'bring the database behind DATABASE_URL to the schema of this release',
  usage: `[--json]

Applies what is missing under a lock, as the relay does at its own start. Without REDIS_URL the tables of the queue
are brought up to date as well. Running it twice, or twice at once, does no harm.

  --json   the numbers of the migrations that were applied

Environment: DATABASE_URL (needed), DATABASE_AUTH, REDIS_URL.`,
  async run(args, io) {
    const { values } = parseCommand(args, { options: { json: { type: 'boolean' } } });
    const env = openEnvironment(io);
    const address = await postgresAddress(env);
    if (address === null)
      throw new Failure(
        'DATABASE_URL is not set. The Postgres that the relay starts itself is migrated at each start.',
      );
    const [{ migrate }, { redactor, urlSecrets }] = await Promise.all([
      import('#src/db/migrate.ts'),
      import('#src/config/secrets.ts'),
    ]);
    const hide = redactor(urlSecrets(env.databaseUrl, env.redisUrl));
    const queue = env.redisUrl === null ? (await import('#src/queue/bell.ts')).migrateQueue : undefined;
    let applied: number[];
    try {
      applied = await migrate(address, queue);
    } catch (error) {
      throw new Failure(hide(`not migrated: ${reasonOf(error as Error)}`));
    }
    if (values.json === true) io.out(`${JSON.stringify({ applied })}\n`);
    else
      io.out(applied.length === 0 ? 'nothing to apply: the schema is current\n' : `applied: ${applied.join(', ')}\n`);
    return 0;
  },
};

/** A refused connection on several addresses has an empty message and its causes inside. */
function reasonOf(error: Error): string {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  return first instanceof Error ? first.message : error.message;
}
