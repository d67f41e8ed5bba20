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

/** What each is compared with. */
const WHAT: Readonly<Record<MatchKey, string>> = {
  kind: '`outage`, `maintenance`, `advisory`, `security`, `resource`, `alert`, `change` or `unrecognised`.',
  severity: '`info`, `warning`, `error` or `critical`.',
  stage: "Azure's word of the newest communication.",
  source: 'Any source that sent something of this incident.',
  service: 'Service of an impact, as Service Health writes it.',
  region: 'Region of the same impact; blanks do not count.',
  subscription: 'Id or name of a subscription.',
  team: 'Team of the same subscription.',
  environment: 'Environment of the same subscription.',
  resource: 'Id of a resource of the signal, or the last part of it.',
  resourceGroup: 'Resource group of the same resource.',
  resourceType: 'Type of the same resource.',
  tag: '`name=value`: tags of your resources that are hit, and of their subscriptions.',
  estate: '`hit` when resources of yours are hit, else `none`.',
};

/** The schema of `match`; `missing` is said where it is left out. */
export function matchSchema(missing: string) {
  return z.strictObject(
    Object.fromEntries(MATCH_KEYS.map((key) => [key, patterns.optional().describe(WHAT[key])])) as Record<
      MatchKey,
      z.ZodOptional<typeof patterns>
    >,
    { error: (issue) => (issue.input === undefined ? missing : undefined) },
  );
}
