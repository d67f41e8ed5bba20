/** Inbound HTTP: bytes in, durable signals out, nothing but 2xx, a clear 4xx or 503 (design section 4). */
import type { Context } from 'hono';
import { parseBody } from '#src/receivers/body.ts';
import { answerOrigin, readHandshake } from '#src/receivers/event-grid/handshake.ts';
import { readSignals } from '#src/receivers/read.ts';
import { entraVerifier, isJwt } from '#src/receivers/verify/entra.ts';
import type { Signal, SourceContext } from '#src/core/signal.ts';
import { traceFields } from '#src/core/trace.ts';
import { UnavailableError, type SignalResult } from '#src/pipeline/ingest.ts';
import { bearer, isLocalCall, isOpen, receiverSource } from './auth.ts';
import { readBody } from './body.ts';
import type { ApiDeps, Env } from './deps.ts';
import { Problem } from './problem.ts';

/** Source name of calls that need no token because none is configured. */
const LOCAL: SourceContext = { source: 'local', subscription: null };

/** Tells who is calling, by token or by Entra, before a byte of the body is read. */
export async function receiverCaller(c: Context<Env>, deps: ApiDeps): Promise<SourceContext> {
  const config = deps.config();
  if (isOpen(config, 'receive')) {
    // No sender of ours is a browser: what names an origin comes from a page, which has no business here without a token.
    const page = c.req.header('origin') !== undefined;
    if (!page && isLocalCall(c.env.incoming?.socket?.remoteAddress, c.req.header('host'))) return LOCAL;
    throw new Problem(401, 'unauthorized', 'a token is required');
  }
  const authorization = bearer(c.req.header('authorization'));
  const source = receiverSource(config, c.req.query('token') ?? null) ?? receiverSource(config, authorization);
  if (source) return source;
  const { entra } = config.receivers;
  if (!entra || !authorization || !isJwt(authorization)) throw new Problem(401, 'unauthorized', 'a token is required');
  const verdict = await entraVerifier(entra)(authorization);
  if (verdict.ok) return { source: entra.source, subscription: null };
  deps.log.warn({ status: verdict.status, reason: verdict.reason, requestId: c.get('requestId') }, 'entra.refused');
  if (verdict.status === 503)
    throw new Problem(503, 'unavailable', 'the token could not be checked; send it again', { 'retry-after': '5' });
  throw new Problem(verdict.status, verdict.status === 403 ? 'forbidden' : 'unauthorized', 'the token is not accepted');
}

/** Stores what a body holds and answers what became of it. */
export async function take(
  c: Context<Env>,
  deps: ApiDeps,
  { value, source, door }: { value: unknown; source: SourceContext; door: 'webhook' | 'event-grid' },
): Promise<Response> {
  const started = performance.now();
  const signals = readSignals(value, { ...source, receivedAt: deps.now().toISOString(), door });
  const submit = (): Promise<SignalResult[]> => deps.ingest.submit(signals);
  const caller = c.req.header('traceparent') ?? null;
  let results;
  try {
    results = deps.tracing
      ? await deps.tracing.receive({ door, route: c.req.path, source: source.source, caller }, signals, submit)
      : await submit();
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error;
    deps.backfill?.refused();
    // 503 is on Azure's list of answers worth a retry; a bare 500 would lose the news (azure-signals 0.6).
    throw new Problem(503, 'unavailable', 'not stored; send it again', { 'retry-after': '5' });
  }
  const durationMs = Math.round((performance.now() - started) * 100) / 100;
  reportSignals(deps, { signals, results }, { requestId: c.get('requestId'), durationMs });
  return c.json({ signals: results }, 202);
}

/** Counts and logs what became of signals, whichever door they came through; tells test notifications. */
export function reportSignals(
  deps: Pick<ApiDeps, 'metrics' | 'log' | 'onTest'>,
  { signals, results }: { signals: readonly Signal[]; results: readonly SignalResult[] },
  fields: Record<string, unknown>,
): void {
  for (const [index, result] of results.entries()) {
    const signal = signals[index]!;
    deps.metrics.signals.inc({ source: signal.source, schema: signal.schema, outcome: result.outcome });
    deps.log.info(
      {
        signal: result.id,
        incident: result.incident,
        identity: signal.identity,
        source: signal.source,
        schema: signal.schema,
        type: signal.type,
        stage: signal.stage,
        outcome: result.outcome,
        reason: signal.reason,
        ...traceFields(signal.trace),
        ...fields,
      },
      'signal.received',
    );
    if (result.outcome === 'test') deps.onTest(signal);
  }
}

/** `POST /v1/receivers/azure-monitor` */
export async function azureMonitor(c: Context<Env>, deps: ApiDeps): Promise<Response> {
  const source = await receiverCaller(c, deps);
  const parsed = parseBody(await readBody(c, { compressed: true }));
  if (!parsed.ok) throw new Problem(400, 'not-json', parsed.reason);
  return take(c, deps, { value: parsed.value, source, door: 'webhook' });
}

/** `POST /v1/receivers/event-grid` */
export async function eventGrid(c: Context<Env>, deps: ApiDeps): Promise<Response> {
  const source = await receiverCaller(c, deps);
  const parsed = parseBody(await readBody(c, { compressed: true }));
  if (!parsed.ok) throw new Problem(400, 'not-json', parsed.reason);
  const subscriptionName = c.req.header('aeg-subscription-name');
  const headers = { eventType: c.req.header('aeg-event-type'), subscriptionName };
  const handshake = readHandshake(parsed.value, headers, deps.config().receivers.eventGrid);
  const fields = { source: source.source, subscriptionName, requestId: c.get('requestId') };
  if (handshake.kind === 'refuse') {
    deps.log.warn({ ...fields, reason: handshake.reason }, 'event-grid.refused');
    throw new Problem(403, 'forbidden', 'this event subscription is not accepted');
  }
  if (handshake.kind === 'validate') {
    deps.log.info(fields, 'event-grid.validated');
    // 200, for 202 is not an answer to a handshake (azure-signals 4.3).
    return c.json({ validationResponse: handshake.code }, 200);
  }
  const taken = await take(c, deps, { value: parsed.value, source, door: 'event-grid' });
  return handshake.kind === 'deleted' ? new Response(taken.body, { status: 200, headers: taken.headers }) : taken;
}

/** `OPTIONS /v1/receivers/event-grid`: the handshake of CloudEvents. */
export async function eventGridOptions(c: Context<Env>, deps: ApiDeps): Promise<Response> {
  await receiverCaller(c, deps);
  const origin = c.req.header('webhook-request-origin');
  if (!origin) throw new Problem(400, 'invalid', 'WebHook-Request-Origin is missing');
  const headers = answerOrigin(origin, deps.config().receivers.eventGrid);
  const fields = { origin, requestId: c.get('requestId') };
  if (!headers) {
    deps.log.warn(fields, 'event-grid.refused');
    throw new Problem(403, 'forbidden', 'this origin is not accepted');
  }
  deps.log.info(fields, 'event-grid.validated');
  return c.body(null, 200, headers);
}
