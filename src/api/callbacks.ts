/**
 * `POST /v1/callbacks/...`: vendors tell us who acknowledged. Nothing here changes an incident or a delivery: the truth
 * about an outage is Azure's, and a page that somebody resolves by hand is not over for the others.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { type OpenAPIHono, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import {
  incidentByRecord,
  incidentBySysId,
  incidentByTrackingId,
  incidentByVendorKey,
  recordCallback,
} from '#src/db/callbacks.ts';
import { isConnectionError } from '#src/db/pools.ts';
import { parseBody } from '#src/receivers/body.ts';
import type { CallbackNews, CallbackReading } from '#src/receivers/callbacks/news.ts';
import { isPagerDutySignature, readPagerDuty } from '#src/receivers/callbacks/pagerduty.ts';
import { readServiceNow } from '#src/receivers/callbacks/servicenow.ts';
import { bearer } from './auth.ts';
import type { ApiDeps, Env } from './deps.ts';
import { Problem } from './problem.ts';
import { readBody } from './body.ts';
import { ProblemDocument } from './schemas.ts';

/** Of a call that names no incident of ours this much is kept. */
const RAW_CHARS_MAX = 4_000;

/** Registers the routes. They answer for themselves: a vendor holds no API token. */
export function callbackRoutes(app: OpenAPIHono<Env>, deps: ApiDeps): void {
  describe(app);
  app.post('/v1/callbacks/pagerduty', async (c) => {
    const secrets = deps.config().callbacks.pagerduty?.secrets ?? [];
    const signature = c.req.header('x-pagerduty-signature');
    if (secrets.length === 0 || signature === undefined) throw refusal();
    const raw = await readBody(c);
    if (!isPagerDutySignature(raw, signature, secrets)) throw refusal();
    return take(c, deps, { vendor: 'pagerduty', raw, read: readPagerDuty });
  });
  app.post('/v1/callbacks/servicenow', async (c) => {
    const token = deps.config().callbacks.servicenow?.token;
    const given = bearer(c.req.header('authorization')) ?? c.req.query('token');
    if (token === undefined || given === undefined || !same(token, given)) throw refusal();
    return take(c, deps, { vendor: 'servicenow', raw: await readBody(c), read: readServiceNow });
  });
}

function refusal(): Problem {
  return new Problem(401, 'unauthorized', 'no such signature or token is configured');
}

function same(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

interface Call {
  vendor: CallbackNews['vendor'];
  raw: Uint8Array;
  read(body: unknown, receivedAt: string): CallbackReading;
}

async function take(c: Context<Env>, deps: ApiDeps, call: Call): Promise<Response> {
  const parsed = parseBody(call.raw);
  if (!parsed.ok) throw new Problem(400, 'not-json', parsed.reason);
  const receivedAt = deps.now().toISOString();
  const reading = call.read(parsed.value, receivedAt);
  if (reading.read === 'ignored') return answer(c, deps, { outcome: 'ignored', incident: null, why: reading.why });
  const raw = Buffer.from(call.raw).toString('utf8').toWellFormed().replaceAll('\u0000', '').slice(0, RAW_CHARS_MAX);
  try {
    if (reading.read === 'odd') return await keepOdd(c, deps, { call, raw, why: reading.why, receivedAt });
    const { news } = reading;
    const incident = await findFor(deps, news);
    const fresh = await recordCallback(deps.pools.ingest, {
      ...news,
      record: news.clues.record,
      incidentId: incident,
      reason: incident === null ? 'no incident of ours has this key, record or tracking ID' : null,
      raw: incident === null ? raw : null,
      summary: summaryOf(news),
      data: dataOf(news),
    });
    return answer(c, deps, {
      outcome: fresh ? (incident === null ? 'unmatched' : 'recorded') : 'duplicate',
      incident,
      why: news.event,
    });
  } catch (error) {
    // Both vendors try again on 503; a bare 500 of ours would say nothing about the call.
    if (isConnectionError(error) && !(error instanceof Problem))
      throw new Problem(503, 'unavailable', 'not stored; send it again', { 'retry-after': '5' });
    throw error;
  }
}

/** Authenticated but not understood is never lost silently (design section 4). */
async function keepOdd(
  c: Context<Env>,
  deps: ApiDeps,
  { call, raw, why, receivedAt }: { call: Call; raw: string; why: string; receivedAt: string },
): Promise<Response> {
  const eventKey = createHash('sha256').update(call.raw).digest('hex');
  const nothing = { record: null, actor: null, incidentId: null, summary: '', data: {} };
  await recordCallback(deps.pools.ingest, {
    ...nothing,
    vendor: call.vendor,
    eventKey,
    event: 'unrecognised',
    at: receivedAt,
    reason: why,
    raw,
  });
  return answer(c, deps, { outcome: 'unrecognised', incident: null, why });
}

/** Surest first: our key, the vendor's record as met before, the tracking ID in the title. */
async function findFor(deps: ApiDeps, { vendor, clues }: CallbackNews): Promise<string | null> {
  const db = deps.pools.read;
  const { relayId, destinations } = deps.config();
  const ids = Object.fromEntries(destinations.map((destination) => [destination.name, destination.id]));
  if (clues.vendorKey !== null && /^[0-9a-f]{64}$/.test(clues.vendorKey)) {
    const found = await incidentByVendorKey(db, clues.vendorKey, { type: vendor, relayId, ids });
    if (found !== null) return found;
  }
  if (clues.record !== null) {
    const met = await incidentByRecord(db, vendor, clues.record);
    const found = met ?? (vendor === 'servicenow' ? await incidentBySysId(db, clues.record) : null);
    if (found !== null) return found;
  }
  return clues.trackingIds.length > 0 ? incidentByTrackingId(db, clues.trackingIds) : null;
}

const WORDS: Record<CallbackNews['event'], string> = {
  acknowledged: 'Acknowledged',
  reassigned: 'Reassigned',
  annotated: 'Note',
  resolved: 'Closed',
};
const VENDORS = { pagerduty: 'PagerDuty', servicenow: 'ServiceNow' } as const;

function summaryOf({ event, actor, text, vendor }: CallbackNews): string {
  const tail = text === '' ? '' : event === 'reassigned' ? ` ${text}` : `: ${text}`;
  return Array.from(`${WORDS[event]} by ${actor ?? 'somebody'} in ${VENDORS[vendor]}${tail}`)
    .slice(0, 200)
    .join('');
}

function dataOf({ event, actor, text, vendor, clues }: CallbackNews): Record<string, unknown> {
  return { author: actor ?? `somebody in ${VENDORS[vendor]}`, text, event, via: vendor, record: clues.record };
}

function answer(
  c: Context<Env>,
  deps: ApiDeps,
  { outcome, incident, why }: { outcome: string; incident: string | null; why: string },
): Response {
  deps.log.info({ outcome, incident, why, path: c.req.path, requestId: c.get('requestId') }, 'callback.received');
  return c.json({ outcome, incident }, 202);
}

function describe(app: OpenAPIHono<Env>): void {
  const calls = {
    pagerduty: 'A PagerDuty webhook (V3), signed in `x-pagerduty-signature`',
    servicenow: 'A call by ServiceNow, with the token of the config',
  };
  const problem = { content: { 'application/problem+json': { schema: ProblemDocument } } };
  const taken = z.object({ outcome: z.string(), incident: z.string().nullable() });
  for (const [vendor, summary] of Object.entries(calls)) {
    app.openAPIRegistry.registerPath({
      method: 'post',
      path: `/v1/callbacks/${vendor}`,
      summary,
      request: { body: { content: { 'application/json': { schema: {} } } } },
      responses: {
        202: { description: 'Taken', content: { 'application/json': { schema: taken } } },
        400: { description: 'Not JSON', ...problem },
        401: { description: 'No or a wrong signature or token', ...problem },
      },
    });
  }
}
