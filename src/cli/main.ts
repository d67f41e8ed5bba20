/** The process behind `npm run relay -- <command>`: streams, environment, exit code. */
import { buffer } from 'node:stream/consumers';
import { runCli } from './run.ts';

// `relay schema | head` closes the pipe early; that is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

const code = await runCli(process.argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  readStdin: () => buffer(process.stdin),
  env: process.env,
  cwd: process.cwd(),
});
// Pooled connections of a vendor may stay open for seconds; nobody waits for them once the output is out.
process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
