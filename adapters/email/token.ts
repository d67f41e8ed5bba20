/**
 * Access tokens for XOAUTH2, fetched through our own HTTP client, so that the egress rules and time-outs hold for the
 * token endpoint too. One token per destination is kept until shortly before its end.
 */
import { z } from 'zod';
import type { DeliverContext, Outcome } from '#src/core/adapter.ts';
import { classifyHttp } from '../shared/status.ts';
import type { EmailSettings, OAuth2Settings } from './settings.ts';

/** What Exchange Online asks of an application that signs in for itself. */
const EXCHANGE_SCOPE = 'https://outlook.office365.com/.default';
/** A token is not used in its last two minutes: signing in must be over by then. */
const MARGIN_MS = 120_000;
const LIFETIME_S = 3_600;

const answerSchema = z.object({
  access_token: z.string().min(1),
  expires_in: z.coerce.number().positive().catch(LIFETIME_S),
});

const tokens = new WeakMap<EmailSettings, { token: string; untilMs: number }>();

/** A token, and whether it is fresh from the endpoint. */
export interface AccessToken {
  token: string;
  fresh: boolean;
}

/** The token to sign in with, or the outcome of the failure to get one: nothing was sent then. */
export async function accessToken(
  auth: OAuth2Settings,
  context: DeliverContext<EmailSettings>,
): Promise<AccessToken | Outcome> {
  const known = tokens.get(context.settings);
  if (known && known.untilMs > context.now().getTime()) return { token: known.token, fresh: false };
  const result = await context.http({
    method: 'POST',
    url: auth.accessUrl,
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    body: grantOf(auth).toString(),
  });
  // Asking twice for a token does no harm.
  const outcome = classifyHttp(result, {
    now: context.now(),
    ambiguous: 'retryable',
    exceptions: { 400: 'permanent' },
  });
  if (outcome !== null || !result.answered) return outcome ?? { outcome: 'retryable', reason: 'unexpected' };
  const answer = answerSchema.safeParse(parse(result.body));
  if (!answer.success) {
    return {
      outcome: 'retryable',
      reason: 'wrong-body',
      status: result.status,
      detail: 'the token endpoint sent no access_token',
    };
  }
  const { access_token: token, expires_in: lifetimeS } = answer.data;
  tokens.set(context.settings, { token, untilMs: context.now().getTime() + lifetimeS * 1_000 - MARGIN_MS });
  return { token, fresh: true };
}

/** The token of the moment, for a pool that outlives it; empty when there is none. */
export function knownToken(settings: EmailSettings): string {
  return tokens.get(settings)?.token ?? '';
}

/** The token did not work: the next try gets another one. */
export function forgetToken(settings: EmailSettings): void {
  tokens.delete(settings);
}

function grantOf({ clientId, clientSecret, refreshToken, scope }: OAuth2Settings): URLSearchParams {
  const client = { client_id: clientId, client_secret: clientSecret };
  if (refreshToken === undefined) {
    return new URLSearchParams({ ...client, grant_type: 'client_credentials', scope: scope ?? EXCHANGE_SCOPE });
  }
  const grant = { ...client, grant_type: 'refresh_token', refresh_token: refreshToken };
  return new URLSearchParams(scope === undefined ? grant : { ...grant, scope });
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return null;
  }
}
