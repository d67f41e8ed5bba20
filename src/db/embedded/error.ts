/** Why the embedded Postgres did not start; a closed list so that callers can tell them apart. */
type EmbeddedFault =
  | 'locked'
  | 'missing'
  | 'unsupported'
  | 'no-user'
  | 'disk-full'
  | 'version'
  | 'damaged'
  | 'failed'
  | 'aborted';

/** A start that did not work. The message is for the person at the terminal: what is wrong and what to do about it. */
export class EmbeddedError extends Error {
  override readonly name = 'EmbeddedError';
  readonly fault: EmbeddedFault;

  constructor(fault: EmbeddedFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.fault = fault;
  }
}

/** What every fault that has no better cure ends with. */
export const OWN_SERVER_HINT = 'or set DATABASE_URL to a Postgres of your own';

/** The `code` of a system error (`ENOENT`, `EACCES`, ...), or an empty string. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Turns what initdb or Postgres printed before it gave up into an EmbeddedError. */
export function outputFault(what: string, output: string): EmbeddedError {
  const text = output.trim().split('\n').slice(-6).join('\n').slice(-1200);
  if (/No space left on device|ENOSPC|Disk quota exceeded/.test(output)) {
    return new EmbeddedError('disk-full', `${what}: the disk that holds the data folder is full.\n${text}`);
  }
  if (/could not look up effective user ID/.test(output)) {
    return new EmbeddedError(
      'no-user',
      `${what}: the user this process runs as has no entry in /etc/passwd, and initdb insists on one. Run as a named user, ${OWN_SERVER_HINT}.`,
    );
  }
  return new EmbeddedError('failed', `${what}:\n${text || '(no output)'}`);
}
