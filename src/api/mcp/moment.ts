/** Moments in a tool's arguments, read by the API's own schema. */
import { Problem } from '../problem.ts';
import { AsOfQuery } from '../schemas.ts';

/** ISO 8601 UTC; null for now. Throws a {@link Problem} in words where it is no time. */
export function momentOf(at: string | undefined): string | null {
  const read = AsOfQuery.safeParse({ at });
  if (!read.success) throw new Problem(400, 'invalid', `at: ${read.error.issues[0]?.message ?? 'malformed'}`);
  return read.data.at ?? null;
}
