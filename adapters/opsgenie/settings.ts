/** Settings of an Opsgenie or Jira Service Management destination (destinations 5): one adapter, two base URLs. */
import { z } from 'zod';

/** At most 20 tags per alert; the relay adds three of its own. */
const OWN_TAGS_MAX = 17;
const TAG_CHARS_MAX = 50;
const RESPONDERS_MAX = 50;

const KEY_HINT = 'must be the key of an API integration, without blanks';
const URL_HINT =
  'must be a base URL such as https://api.opsgenie.com/v2 or https://api.atlassian.com/jsm/ops/integration/v2; ' +
  '/alerts is added by the relay';
const RESPONDER_HINT = 'must have a type (team, user, escalation, schedule) and one of id, name, username';

const text = z.string({ error: 'must be a text' }).min(1, { error: 'must not be empty' });

const responder = z
  .strictObject({
    type: z.enum(['team', 'user', 'escalation', 'schedule'], { error: RESPONDER_HINT }).describe('What it is.'),
    id: text.optional().describe('One of `id`, `name` and `username`.'),
    name: text.optional().describe('Of a team, escalation or schedule.'),
    username: text.optional().describe('Of a user: the mail address.'),
  })
  .refine(({ id, name, username }) => [id, name, username].filter((value) => value !== undefined).length === 1, {
    error: RESPONDER_HINT,
  });

export const opsgenieSettings = z.strictObject({
  apiKey: z
    .string({ error: KEY_HINT })
    .regex(/^[\x21-\x7e]{1,500}$/, { error: KEY_HINT })
    .describe('Secret key of an API integration, 1 to 500 characters without blanks.'),
  apiUrl: z
    .url({ protocol: /^https?$/, error: URL_HINT, abort: true })
    .refine(isBase, { error: URL_HINT })
    .default('https://api.atlassian.com/jsm/ops/integration/v2')
    .describe(
      'Jira Service Management unless set. Opsgenie: `https://api.opsgenie.com/v2`, in the EU `https://api.eu.opsgenie.com/v2`, until it is switched off.',
    ),
  responders: z
    .array(responder, { error: 'must be a list of responders' })
    .max(RESPONDERS_MAX, { error: `takes at most ${RESPONDERS_MAX} responders` })
    .default([])
    .describe("Who is told; without any the integration's own team."),
  tags: z
    .array(text.max(TAG_CHARS_MAX, { error: `takes at most ${TAG_CHARS_MAX} characters` }), {
      error: 'must be a list of texts',
    })
    .max(OWN_TAGS_MAX, { error: `takes at most ${OWN_TAGS_MAX} tags: an alert has 20, and three are the relay's` })
    .default([])
    .describe(`Added to every alert; texts of at most ${TAG_CHARS_MAX} characters.`),
});

export type OpsgenieSettings = z.infer<typeof opsgenieSettings>;

/** The base URL without a slash at the end: calls go to `<base>/alerts...`. */
export function baseOf(settings: OpsgenieSettings): string {
  return settings.apiUrl.replace(/\/+$/, '');
}

function isBase(value: string): boolean {
  const url = URL.parse(value);
  return (
    url !== null && url.search === '' && url.hash === '' && url.username === '' && !/\/alerts\/*$/.test(url.pathname)
  );
}
