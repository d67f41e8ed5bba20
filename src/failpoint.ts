/**
 * Named places at which the chaos harness kills the process. Nothing happens unless NODE_ENV is `test` and
 * RELAY_FAILPOINT names the place: `delivery.before-call:3` dies at the third time it is reached,
 * `ingest.in-commit:2+1` one millisecond later, with the next statement on its way.
 */

export type Failpoint =
  /** The attempt is claimed, the vendor knows nothing yet. */
  | 'delivery.before-call'
  /** The vendor has answered, the outcome is not written. */
  | 'delivery.after-call'
  /** Everything is written, COMMIT is about to be sent. */
  | 'ingest.in-commit'
  /** The signals are durable; nobody was answered and no bell was rung. */
  | 'ingest.before-ring';

const armed = process.env['NODE_ENV'] === 'test' ? parse(process.env['RELAY_FAILPOINT']) : null;

/** Dies here when the environment says so; else costs one comparison. */
export function failpoint(name: Failpoint): void {
  if (armed === null || armed.name !== name || --armed.left !== 0) return;
  if (armed.delayMs === null) process.kill(process.pid, 'SIGKILL');
  else setTimeout(() => process.kill(process.pid, 'SIGKILL'), armed.delayMs);
}

function parse(text: string | undefined): { name: string; left: number; delayMs: number | null } | null {
  const [, name, left, delayMs] = /^([a-z.-]+)(?::(\d+))?(?:\+(\d+))?$/.exec(text ?? '') ?? [];
  if (name === undefined) return null;
  return { name, left: Number(left ?? 1), delayMs: delayMs === undefined ? null : Number(delayMs) };
}
