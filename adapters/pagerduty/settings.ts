/** Settings of a PagerDuty destination: one Events API v2 integration key (destinations 1.1). */
import { z } from 'zod';

/** Where the Events API lives, by service region (destinations 1.1). A key of one region fails at the other. */
const ORIGINS = { us: 'https://events.pagerduty.com', eu: 'https://events.eu.pagerduty.com' } as const;

const KEY_HINT =
  'must be a routing key of 32 letters and digits; in PagerDuty: service, Integrations, Events API v2, Integration Key';
const URL_HINT = 'must be an origin such as https://events.pagerduty.com; /v2/enqueue is added by the relay';

export const pagerDutySettings = z.strictObject({
  routingKey: z
    .string({ error: KEY_HINT })
    .regex(/^[A-Za-z0-9]{32}$/, { error: KEY_HINT })
    .describe(
      'Secret integration key of an Events API v2 integration, 32 letters and digits: whoever holds it can page.',
    ),
  region: z
    .enum(['us', 'eu'], { error: 'must be us or eu: the service region of the account' })
    .default('us')
    .describe('Service region of the account: `eu` for accounts at `*.eu.pagerduty.com`.'),
  eventsUrl: z
    .url({ protocol: /^https?$/, error: URL_HINT, abort: true })
    .refine(isOrigin, { error: URL_HINT })
    .optional()
    .describe("Origin in place of the region's own, for a proxy or a stand-in."),
});

export type PagerDutySettings = z.infer<typeof pagerDutySettings>;

/** Scheme, host and port of the Events API, without a slash at the end. */
export function originOf(settings: PagerDutySettings): string {
  return settings.eventsUrl === undefined ? ORIGINS[settings.region] : new URL(settings.eventsUrl).origin;
}

function isOrigin(value: string): boolean {
  const url = URL.parse(value);
  return url !== null && url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '';
}
