/** Settings of a Slack channel behind an incoming webhook. */
import { z } from 'zod';

export const slackSettings = z.strictObject({
  webhookUrl: z
    .url({ protocol: /^https?$/, error: 'must be the URL of an incoming webhook' })
    .refine((url) => !isApi(url), {
      error:
        'is an address of the Web API; make an incoming webhook and use its URL (https://hooks.slack.com/services/...)',
    })
    .refine((url) => !isWorkflow(url), {
      error:
        'is the trigger of a Slack workflow, which shows no message of ours; make an incoming webhook and use its URL (https://hooks.slack.com/services/...)',
    })
    .describe('URL of an incoming webhook, `https://hooks.slack.com/services/...`; the whole URL is the secret.'),
});

export type SlackSettings = z.infer<typeof slackSettings>;

/** The URL, and its path, by which it could be put together again. */
export function slackSecrets({ webhookUrl }: SlackSettings): string[] {
  const { href, pathname, search } = new URL(webhookUrl);
  const token = pathname.split('/').at(-1) ?? '';
  // A bare "/" and short words are no secrets.
  return [webhookUrl, href, pathname + search, token].filter((part) => part.length >= 8);
}

function isApi(url: string): boolean {
  return URL.canParse(url) && new URL(url).hostname.endsWith('slack.com') && new URL(url).pathname.startsWith('/api/');
}

/**
 * A workflow takes its own variables only and answers `{"ok":true}`, which is no success of a webhook: the same message
 * would be sent to it for a day and never be seen.
 */
function isWorkflow(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { hostname, pathname } = new URL(url);
  return /^hooks\.slack(?:-gov)?\.com$/.test(hostname) && /^\/(?:triggers|workflows)\//.test(pathname);
}
