/**
 * One authorised request to the instance (destinations 2.3, 2.5): JSON in both directions, no redirects, no cookies, one
 * new token after a 401, and none of our credentials in what comes back.
 */
import type { DeliverContext, HttpAnswer, HttpFailure, HttpRequest, Outcome } from '#src/core/adapter.ts';
import { classifyHttp } from '../shared/status.ts';
import { authorize, REDIRECTS } from './auth.ts';
import { secretsOf, type ServiceNowSettings } from './settings.ts';

type Context = DeliverContext<ServiceNowSettings>;

/** A 2xx, whose body is still to be judged (`json` is null where it is none), or what the answer means. */
export type InstanceReply =
  | { ok: true; status: number; headers: HttpAnswer['headers']; json: unknown }
  | { ok: false; outcome: Outcome };

/** The instance kills a transaction at 60 s (destinations 2.5): what takes longer has no answer to wait for. */
export const WRITE_TIMEOUT_MS = 62_000;
const DETAIL_CHARS_MAX = 500;

/** Sends the request with the destination's credentials. Never throws. */
export async function callInstance(request: HttpRequest, context: Context): Promise<InstanceReply> {
  const first = await authorize(context);
  if (!first.ok) return first;
  const answer = await send(request, first.headers, context);
  // A 401 had no effect: with OAuth the token may have been revoked early, so one new token is worth one more call.
  if (first.bearer === null || !answer.answered || answer.status !== 401) {
    return judge(request, { answer, bearer: first.bearer }, context);
  }
  const second = await authorize(context, first.bearer);
  if (!second.ok) return second;
  return judge(request, { answer: await send(request, second.headers, context), bearer: second.bearer }, context);
}

interface Exchange {
  answer: HttpAnswer | HttpFailure;
  bearer: string | null;
}

function send(
  request: HttpRequest,
  headers: Record<string, string>,
  context: Context,
): Promise<HttpAnswer | HttpFailure> {
  // Both headers on every call, or the instance answers 400 (destinations 2.3).
  return context.http({
    ...request,
    headers: { accept: 'application/json', 'content-type': 'application/json', ...headers },
  });
}

function judge(request: HttpRequest, exchange: Exchange, context: Context): InstanceReply {
  const answer = withoutSecrets(exchange, context.settings);
  const json = answer.answered ? parse(answer.body) : null;
  // A read has no effect, so one without an answer is safe to repeat.
  const ambiguous = request.method === 'GET' ? 'retryable' : 'unknown';
  const outcome = classifyHttp(answer, { now: context.now(), ambiguous, exceptions: REDIRECTS });
  if (outcome === null && answer.answered) {
    return { ok: true, status: answer.status, headers: answer.headers, json };
  }
  const failure = outcome ?? { outcome: 'unknown' as const, reason: 'unexpected' as const };
  const said = errorText(json);
  const detail = said === null ? (failure.detail ?? '') : `HTTP ${failure.status}: ${said}`;
  return { ok: false, outcome: { ...failure, detail: detail.slice(0, DETAIL_CHARS_MAX) } };
}

/** An instance that echoes our credentials must not bring them into the record: hidden before anything is cut. */
function withoutSecrets({ answer, bearer }: Exchange, settings: ServiceNowSettings): HttpAnswer | HttpFailure {
  if (!answer.answered) return answer;
  const secrets = bearer === null ? secretsOf(settings) : [bearer, ...secretsOf(settings)];
  return { ...answer, body: secrets.reduce((body, secret) => body.replaceAll(secret, '<secret>'), answer.body) };
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

/** `error.message: error.detail` of an error answer; the detail names the rule or policy that refused (destinations 2.5). */
function errorText(json: unknown): string | null {
  const error = (json as { error?: { message?: unknown; detail?: unknown } } | null)?.error;
  const parts = [error?.message, error?.detail].filter((part) => typeof part === 'string' && part !== '');
  return parts.length === 0 ? null : parts.join(': ');
}
