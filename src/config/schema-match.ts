/** What routes and silences match on: patterns under the keys of design section 4. */
import { z } from 'zod';
import { MATCH_KEYS, type MatchKey } from '#src/core/route-condition.ts';

const EMPTY = 'is empty and would match nothing; leave the key out to ask for nothing';

/** One pattern or several: any of them may hold. */
const patterns = z
  .union([z.string().min(1, EMPTY), z.array(z.string().min(1, EMPTY)).min(1, EMPTY)], {
    error: 'must be a text or a list of texts',
  })
  .transform((given): readonly string[] => [given].flat());

/** The schema of `match`; `missing` is said where it is left out. */
export function matchSchema(missing: string) {
  return z.strictObject(
    Object.fromEntries(MATCH_KEYS.map((key) => [key, patterns.optional()])) as Record<
      MatchKey,
      z.ZodOptional<typeof patterns>
    >,
    { error: (issue) => (issue.input === undefined ? missing : undefined) },
  );
}
