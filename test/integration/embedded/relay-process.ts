/** A process that holds an embedded Postgres and says so in one line of JSON: what the tests kill. */
import { startEmbedded } from '#src/db/embedded/server.ts';

const [dataDir = '', mode] = process.argv.slice(2);
const server = await startEmbedded({ dataDir, unsafeFast: mode === 'unsafe-fast' }).catch((error: unknown) => {
  process.stdout.write(`${JSON.stringify({ error: String(error) })}\n`);
  process.exit(1);
});
process.stdout.write(`${JSON.stringify({ url: server.url, pid: server.pid, adopted: server.adopted })}\n`);
process.on('SIGTERM', () => void server.stop().then(() => process.exit(0)));
setInterval(() => undefined, 60_000);
