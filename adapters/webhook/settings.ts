/** Settings of a Standard Webhooks destination. */
import { z } from 'zod';

/** Key lengths that Standard Webhooks 1.0 asks for (destinations 8). */
const KEY_BYTES_MIN = 24;
const KEY_BYTES_MAX = 64;

const secret = z
  .string({ error: 'must be a text that starts with whsec_' })
  .startsWith('whsec_', {
    error: 'must start with whsec_; make one with: echo "whsec_$(openssl rand -base64 32)"',
    abort: true,
  })
  .refine((value) => isKey(value), {
    error: `must be whsec_ and the base64 of ${KEY_BYTES_MIN} to ${KEY_BYTES_MAX} random bytes`,
  });

export const webhookSettings = z.strictObject({
  url: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).describe('Receives one POST per step.'),
  secret: z
    .union([secret, z.array(secret).min(1, 'needs at least one secret').max(4, 'takes at most four secrets')], {
      error: 'must be a whsec_ secret, or a list of them while one replaces the other',
    })
    .describe(
      `\`whsec_\` and the base64 of ${KEY_BYTES_MIN} to ${KEY_BYTES_MAX} random bytes; or up to four while one replaces the other, the newest first: each signs.`,
    ),
});

export type WebhookSettings = z.infer<typeof webhookSettings>;

/** All secrets of the destination, newest first. */
export function secretsOf(settings: WebhookSettings): readonly string[] {
  return typeof settings.secret === 'string' ? [settings.secret] : settings.secret;
}

function isKey(value: string): boolean {
  const base64 = value.slice('whsec_'.length);
  const key = Buffer.from(base64, 'base64');
  // Buffer skips what is not base64; only a round trip tells.
  const whole = key.toString('base64').replace(/=+$/, '') === base64.replace(/=+$/, '');
  return whole && key.length >= KEY_BYTES_MIN && key.length <= KEY_BYTES_MAX;
}
