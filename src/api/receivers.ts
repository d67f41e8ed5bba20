/** Inbound HTTP: bytes in, durable signals out, nothing but 2xx, a clear 4xx or 503 (design section 4). */
import type { Context } from 'hono';
import { parseBody } from '#src/receivers/body.ts';
import { readSignals } from '#src/receivers/read.ts';
import type { SourceContext } from '#src/core/signal.ts';
import { UnavailableError } from '#src/pipeline/ingest.ts';
import { bearer, isLocalCall, isOpen, receiverSource } from './auth.ts';
import type { ApiDeps, Env } from './deps.ts';
import { Problem } from './problem.ts';

/** Largest body taken; Azure sends at most 256 KB per alert (azure-signals 3). */
const BODY_MAX = 1024 * 1024;

/** Source name of calls that need no token because none is configured. */
const LOCAL: SourceContext = { source: 'local', subscription: null };

/** Tells who is calling, before a byte of the body is read. */
export function receiverCaller(c: Context<Env>, deps: ApiDeps): SourceContext {
  const config = deps.config();
  if (isOpen(config, 'receive')) {
    if (isLocalCall(c.env.incoming?.socket?.remoteAddress, c.req.header('host'))) return LOCAL;
    throw new Problem(401, 'unauthorized', 'a token is required');
  }
  const source = receiverSource(config, c.req.query('token') ?? bearer(c.req.header('authorization')));
  if (!source) throw new Problem(401, 'unauthorized', 'a token is required');
  return source;
}

/** Reads the body, at most {@link BODY_MAX} bytes. */
export async function readBody(c: Context<Env>): Promise<Uint8Array> {
  const encoding = c.req.header('content-encoding');
  if (encoding && encoding.toLowerCase() !== 'identity')
    throw new Problem(415, 'compressed-body', 'send the body uncompressed');
  if (Number(c.req.header('content-length') ?? 0) > BODY_MAX) throw tooLarge();
  const body = c.req.raw.body;
  if (!body) return new Uint8Array();
  // With a declared length the server has already bounded the read; only chunked bodies need counting.
  if (c.req.header('content-length') !== undefined) return new Uint8Array(await c.req.arrayBuffer());
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > BODY_MAX) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function tooLarge(): Problem {
  return new Problem(413, 'too-large', `a body may have at most ${BODY_MAX} bytes`, { connection: 'close' });
}

/** Stores what a body holds and answers what became of it. */
export async function take(
  c: Context<Env>,
  deps: ApiDeps,
  { value, source, door }: { value: unknown; source: SourceContext; door: 'webhook' | 'event-grid' },
): Promise<Response> {
  const started = performance.now();
  const signals = readSignals(value, { ...source, receivedAt: deps.now().toISOString(), door });
  let results;
  try {
    results = await deps.ingest.submit(signals);
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error;
    // 503 is on Azure's list of answers worth a retry; a bare 500 would lose the news (azure-signals 0.6).
    throw new Problem(503, 'unavailable', 'not stored; send it again', { 'retry-after': '5' });
  }
  const durationMs = Math.round((performance.now() - started) * 100) / 100;
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
        requestId: c.get('requestId'),
        durationMs,
      },
      'signal.received',
    );
    if (result.outcome === 'test') deps.onTest(signal);
  }
  return c.json({ signals: results }, 202);
}

/** `POST /v1/receivers/azure-monitor` */
export async function azureMonitor(c: Context<Env>, deps: ApiDeps): Promise<Response> {
  const source = receiverCaller(c, deps);
  const parsed = parseBody(await readBody(c));
  if (!parsed.ok) throw new Problem(400, 'not-json', parsed.reason);
  return take(c, deps, { value: parsed.value, source, door: 'webhook' });
}

/** `POST /v1/receivers/event-grid` */
export async function eventGrid(c: Context<Env>, deps: ApiDeps): Promise<Response> {
  const source = receiverCaller(c, deps);
  const parsed = parseBody(await readBody(c));
  if (!parsed.ok) throw new Problem(400, 'not-json', parsed.reason);
  return take(c, deps, { value: parsed.value, source, door: 'event-grid' });
}
