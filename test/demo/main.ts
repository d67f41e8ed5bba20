/**
 * `npm run demo`: the real relay with a Postgres of its own, local stand-ins for the vendors, and an Azure outage from
 * the first post to the root cause analysis. Serves the pages until Ctrl-C; `--once` ends with the verdict instead.
 */
import { parseArgs } from 'node:util';
import { SUBSCRIPTIONS } from './config.ts';
import { gather } from './evidence.ts';
import { judge } from './expectations.ts';
import { arrangeMishaps, play } from './play.ts';
import { report, reportVerdicts } from './report.ts';
import { createSay, type Say } from './say.ts';
import { startStage, type Stage } from './stage.ts';
import { OUTAGE, scenesOf } from './story.ts';

/** Why the demo ends before its time. */
class Interrupted extends Error {
  readonly exitCode: number;

  constructor(signal: string, exitCode: number) {
    super(`interrupted by ${signal}`);
    this.exitCode = exitCode;
  }
}

/** 128 and the signal's number, as shells have it. */
const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
const SIGPIPE_CODE = 141;

async function main(): Promise<number> {
  const once = onlyOnce();
  if (once === null) return 2;
  const interrupt = new AbortController();
  for (const [signal, code] of Object.entries(EXIT_CODES))
    process.on(signal, () => interrupt.abort(new Interrupted(signal, code)));
  onOrphaned(() => interrupt.abort(new Interrupted('the end of npm', EXIT_CODES.SIGTERM)));
  // Whatever goes wrong, the relay and its Postgres are ended in order.
  process.on('uncaughtException', (error) => interrupt.abort(error));
  const say = createSay(process.stdout, () => interrupt.abort(new Interrupted('SIGPIPE', SIGPIPE_CODE)));
  let stage: Stage | null = null;
  let failed = false;
  try {
    stage = await open(interrupt.signal, say);
    failed = !(await perform(stage, say));
    if (once) return failed ? 1 : 0;
    await untilAborted(stage.signal);
    return failed ? 1 : 0;
  } catch (error) {
    // What was under way may end with an error of its own (a timer with an AbortError): the reason is what counts.
    const reason: unknown = interrupt.signal.aborted ? interrupt.signal.reason : error;
    if (reason instanceof Interrupted) return reason.exitCode;
    process.stderr.write(`\nThe demo broke off: ${(reason as Error).message}\n${stage?.tail() ?? ''}\n`);
    return 1;
  } finally {
    if (stage !== null && !once) say.line('\nStopping the relay and its Postgres ...');
    await stage?.stop();
    if (stage !== null && !once) say.line('Stopped. No process and no folder is left.');
  }
}

async function open(signal: AbortSignal, say: Say): Promise<Stage> {
  say.line('Health Relay demo: the real relay, stand-ins for the vendors, one Azure outage.');
  const started = performance.now();
  const stage = await startStage({ signal });
  say.line(`The relay runs at ${stage.url} on a Postgres of its own (${seconds(started)}).`);
  say.line(`Its data is in ${stage.folder} and goes away at the end.`);
  return stage;
}

/** Returns whether every expectation held. */
async function perform(stage: Stage, say: Say): Promise<boolean> {
  const started = performance.now();
  arrangeMishaps(stage);
  say.heading(`Azure tells ${SUBSCRIPTIONS.length} subscriptions; four days are played in seconds`);
  const performed = await play(stage, scenesOf(new Date()), say);
  const evidence = await gather(stage, performed);
  report(evidence, say);
  const verdicts = judge(evidence);
  reportVerdicts(verdicts, say);
  say.line(`Played in ${seconds(started)}. Without --once the pages stay up until Ctrl-C.`);
  say.line();
  say.line(`Incident page: ${stage.url}/incidents/${OUTAGE}`);
  say.line('Next step:     npm run relay -- init');
  return verdicts.every((verdict) => verdict.ok);
}

/** Null when the arguments make no sense; the usage has then been shown. */
function onlyOnce(): boolean | null {
  try {
    return parseArgs({ options: { once: { type: 'boolean', default: false } } }).values.once;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\nUsage: npm run demo [-- --once]\n`);
    return null;
  }
}

/** Ctrl-C is how the demo is meant to end; a relay that ends by itself is a failure. */
async function untilAborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  if (!(signal.reason instanceof Interrupted)) throw signal.reason;
}

/** npm hands a SIGTERM to its shell only, and not every shell hands it on: then all that we see is a new parent. */
function onOrphaned(tell: () => void): void {
  if (process.env['npm_lifecycle_event'] === undefined) return;
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && tell(), 300).unref();
}

function seconds(startedMs: number): string {
  return `${((performance.now() - startedMs) / 1000).toFixed(1)} s`;
}

process.exitCode = await main();
// What is left may be a keep-alive connection of ours: nothing worth waiting for.
process.exit();
