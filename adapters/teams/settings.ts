/** Settings of a Teams channel behind a Workflows webhook. */
import { z } from 'zod';

const CONNECTOR_HINT =
  'is an Office 365 connector, which Microsoft has retired; in the channel choose Workflows, "Send webhook alerts to a channel", and copy its URL';
const OLD_WORKFLOW_HINT =
  'is an old Workflows URL (logic.azure.com), which stopped working after 30 November 2025; open the flow and copy its new URL (api.powerplatform.com)';
const NO_SIGNATURE_HINT =
  'has no sig: set the trigger of the flow to "Anyone" and copy the whole URL, in quotes since it holds & and %2F';

export const teamsSettings = z.strictObject({
  // Used to the letter: its %2F must stay.
  webhookUrl: z
    .url({ protocol: /^https?$/, error: 'must be the URL of a Workflows webhook' })
    .superRefine((url, check) => {
      const fault = faultOf(url);
      if (fault !== null) check.addIssue({ code: 'custom', message: fault });
    })
    .describe('URL of a Workflows webhook; the whole URL is the secret. Quote it, it holds `&` and `%2F`.'),
});

export type TeamsSettings = z.infer<typeof teamsSettings>;

/** Why a URL cannot work, with the way out, or null (destinations 3.1, 3.2). Never names the URL. */
function faultOf(url: string): string | null {
  if (!URL.canParse(url)) return null;
  const { hostname, pathname, searchParams } = new URL(url);
  if (hostname.endsWith('.webhook.office.com') || hostname === 'webhook.office.com') return CONNECTOR_HINT;
  if (/^outlook\.office(?:365)?\.com$/.test(hostname) && pathname.startsWith('/webhook')) return CONNECTOR_HINT;
  if (hostname.endsWith('.logic.azure.com')) return OLD_WORKFLOW_HINT;
  if (hostname.endsWith('.api.powerplatform.com') && !searchParams.get('sig')) return NO_SIGNATURE_HINT;
  return null;
}

/** The URL, and the parts of it by which it could be put together again. */
export function teamsSecrets({ webhookUrl }: TeamsSettings): string[] {
  const url = new URL(webhookUrl);
  const rawSignature = /[?&]sig=([^&#]+)/.exec(url.search)?.[1];
  const parts = [webhookUrl, url.href, url.pathname + url.search, url.searchParams.get('sig'), rawSignature];
  // A bare "/" is no secret.
  return parts.filter((part): part is string => typeof part === 'string' && part.length >= 8);
}
