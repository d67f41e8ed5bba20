/** Saved payloads: the JSON that Azure sent, from a file or standard input. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseBody } from '#src/receivers/body.ts';
import { Failure, type Io } from './command.ts';

/** A file that is not there or may not be read. */
export class UnreadableError extends Failure {}

/** Bytes of a file, or of standard input for `-`. Throws {@link UnreadableError}. */
export async function readPayloadBytes(io: Io, file: string): Promise<Uint8Array> {
  return file === '-' ? io.readStdin() : readPayloadFile(file, io.cwd);
}

/** Bytes of a file; relative paths start at `folder`. Throws {@link UnreadableError}. */
export function readPayloadFile(file: string, folder: string): Uint8Array {
  try {
    return readFileSync(resolve(folder, file));
  } catch (error) {
    throw new UnreadableError(`${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unreadable'})`);
  }
}

/** The JSON inside, read as a receiver would. Throws {@link Failure}. */
export function parsePayload(bytes: Uint8Array, file: string): unknown {
  const parsed = parseBody(bytes);
  if (!parsed.ok) throw new Failure(`${file === '-' ? 'standard input' : file}: ${parsed.reason}`);
  return parsed.value;
}
