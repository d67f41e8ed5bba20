/** Generic signed webhook after Standard Webhooks 1.0 (destinations 8). Facts and limits: README.md beside this file. */
import { createHash } from 'node:crypto';
import type { DeliverContext, Outcome, Step } from '#src/core/adapter.ts';
import { defineAdapter } from '../shared/define.ts';
import { classifyHttp } from '../shared/status.ts';
import { BODY_BYTES_MAX, renderBody } from './render.ts';
import { secretsOf, webhookSettings, type WebhookSettings } from './settings.ts';
import { signedHeaders } from './sign.ts';

export const webhook = defineAdapter<WebhookSettings>({
  kind: 'webhook',
  settings: webhookSettings,
  limits: { bodyBytesMax: BODY_BYTES_MAX },
  repeat: 'key',
  defaults: { updates: 'each', failOpen: false, concurrency: 8 },
  // Receivers are told to answer within 15 to 30 s (destinations 8).
  deadlineMs: 20_000,
  secrets,
  targets: (settings) => [settings.url],
  // A rotated secret leaves the receiver the same; another URL is another receiver.
  accountKey: (settings) => createHash('sha256').update(settings.url).digest('hex'),
  deliver,
});

async function deliver(step: Step, context: DeliverContext<WebhookSettings>): Promise<Outcome> {
  const { settings, stepKey } = context;
  const now = context.now();
  const body = renderBody(step, { ...context, now });
  const message = { id: stepKey, timestampSeconds: Math.floor(now.getTime() / 1_000), body };
  const result = await context.http({
    method: 'POST',
    url: settings.url,
    headers: { 'content-type': 'application/json', ...signedHeaders(message, secretsOf(settings)) },
    body,
  });
  const outcome = classifyHttp(result, { now: context.now() });
  // The standard's way to say: stop, this receiver is no more.
  if (outcome?.outcome === 'permanent' && outcome.reason === 'gone') return { ...outcome, disableDestination: true };
  if (outcome !== null || !result.answered) return outcome ?? { outcome: 'unknown', reason: 'unexpected' };
  // Any 2xx is a success; the standard gives the body no meaning.
  return {
    outcome: 'accepted',
    status: result.status,
    receipt: { level: 'accepted', status: result.status, webhookId: stepKey },
  };
}

/** The secrets, and the query of the URL, where receivers like to have a token. */
function secrets(settings: WebhookSettings): string[] {
  const keys = secretsOf(settings).flatMap((secret) => [secret, secret.slice('whsec_'.length)]);
  const query = new URL(settings.url).searchParams;
  return [...keys, ...query.values()];
}
