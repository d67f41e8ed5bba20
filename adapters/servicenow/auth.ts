/**
 * Who we are at the instance (destinations 2.1). OAuth tokens are kept per settings object until a minute before they
 * expire and fetched by one call at a time, however many deliveries wait.
 */
import type { DeliverContext, Outcome } from '#src/core/adapter.ts';
import { classifyHttp } from '../shared/status.ts';
import { basicCredentials, baseUrl, type ServiceNowSettings } from './settings.ts';

export type Authorization =
  | { ok: true; headers: Record<string, string>; bearer: string | null }
  | { ok: false; outcome: Outcome };

/** Life of a token where the answer names none (destinations 2.1). */
const LIFE_DEFAULT_S = 1_800;
const MARGIN_MS = 60_000;
const TIMEOUT_MS = 10_000;

/**
 * A redirect leads to a sign-in page, as does the 200 with HTML of an instance that sleeps or is under maintenance: no
 * call had an effect, and the next one may find the instance back (destinations 2.5).
 */
export const REDIRECTS = {
  301: 'retryable',
  302: 'retryable',
  303: 'retryable',
  307: 'retryable',
  308: 'retryable',
} as const;

interface TokenSlot {
  token: { value: string; expiresAtMs: number } | null;
  pending: Promise<Authorization> | null;
}
const slots = new WeakMap<ServiceNowSettings, TokenSlot>();

/** Headers for a call. `rejected` is a bearer token that the instance just answered 401 to: it is not used again. */
export async function authorize(
  context: DeliverContext<ServiceNowSettings>,
  rejected: string | null = null,
): Promise<Authorization> {
  const { auth } = context.settings;
  switch (auth.type) {
    case 'basic':
      return { ok: true, headers: { authorization: `Basic ${basicCredentials(auth)}` }, bearer: null };
    case 'apiKey':
      return { ok: true, headers: { 'x-sn-apikey': auth.token }, bearer: null };
    case 'oauth':
    default:
      return token(context, rejected);
  }
}

async function token(context: DeliverContext<ServiceNowSettings>, rejected: string | null): Promise<Authorization> {
  const slot = slots.get(context.settings) ?? { token: null, pending: null };
  slots.set(context.settings, slot);
  if (slot.token?.value === rejected) slot.token = null;
  while (slot.pending !== null) {
    const shared = await slot.pending;
    // A call that was aborted with its own delivery says nothing about ours.
    const ended = !shared.ok && shared.outcome.outcome !== 'accepted' && shared.outcome.reason === 'aborted';
    if (!ended || context.signal.aborted) return shared;
  }
  if (slot.token !== null && slot.token.expiresAtMs > context.now().getTime()) return bearerOf(slot.token.value);
  slot.pending = fetchToken(context, slot).finally(() => {
    slot.pending = null;
  });
  return slot.pending;
}

async function fetchToken(context: DeliverContext<ServiceNowSettings>, slot: TokenSlot): Promise<Authorization> {
  const { auth } = context.settings;
  if (auth.type !== 'oauth') throw new Error('only OAuth has tokens');
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: auth.clientId,
    client_secret: auth.clientSecret,
    ...(auth.scope === undefined ? {} : { scope: auth.scope }),
  });
  const askedAtMs = context.now().getTime();
  const answer = await context.http({
    method: 'POST',
    url: `${baseUrl(context.settings)}/oauth_token.do`,
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    body: form.toString(),
    timeoutMs: TIMEOUT_MS,
  });
  // Asking for a token changes nothing at the vendor, so no answer is safe to repeat.
  const outcome = classifyHttp(answer, { now: context.now(), ambiguous: 'retryable', exceptions: REDIRECTS });
  if (outcome !== null) return { ok: false, outcome: ofTokenCall(outcome) };
  const parsed = answer.answered ? parseToken(answer.body) : null;
  if (parsed === null) {
    const detail = 'the token endpoint answered 2xx without access_token';
    return { ok: false, outcome: { outcome: 'retryable', reason: 'wrong-body', detail } };
  }
  slot.token = { value: parsed.value, expiresAtMs: askedAtMs + parsed.lifeSeconds * 1_000 - MARGIN_MS };
  return bearerOf(parsed.value);
}

/** The endpoint tells bad credentials by 400 or 401, depending on release and grant. */
function ofTokenCall(outcome: Outcome): Outcome {
  const detail = `OAuth token: ${outcome.detail ?? 'no answer'}`;
  const refused = outcome.outcome === 'permanent' && (outcome.status === 400 || outcome.status === 401);
  return refused ? { ...outcome, reason: 'unauthorized', detail } : { ...outcome, detail };
}

function bearerOf(value: string): Authorization {
  return { ok: true, headers: { authorization: `Bearer ${value}` }, bearer: value };
}

function parseToken(body: string): { value: string; lifeSeconds: number } | null {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return null;
  }
  const { access_token: value, expires_in: life } = (json ?? {}) as { access_token?: unknown; expires_in?: unknown };
  if (typeof value !== 'string' || value === '') return null;
  const lifeSeconds = Number(life ?? LIFE_DEFAULT_S);
  return { value, lifeSeconds: Number.isFinite(lifeSeconds) ? lifeSeconds : LIFE_DEFAULT_S };
}
