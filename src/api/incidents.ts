/** `/v1/incidents...`: the record, for people and programs. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import {
  addNote,
  findIncident,
  listIncidents,
  readDeliveries,
  readProvenance,
  readTimeline,
  type IncidentListRow,
  type TimelineRow,
} from '#src/db/reads.ts';
import { retryNow } from '#src/db/deliveries.ts';
import { renderTimeline } from '#src/api/timeline-formats.ts';
import type { ApiDeps, Env } from './deps.ts';
import { Problem } from './problem.ts';
import {
  Delivery,
  Incident,
  IncidentQuery,
  NoteBody,
  ProblemDocument,
  Provenance,
  TimelineEntry,
  TimelineQuery,
} from './schemas.ts';

const json = <T extends z.ZodType>(schema: T, description: string) => ({
  description,
  content: { 'application/json': { schema } },
});
const failure = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: ProblemDocument } },
});
const IdParam = z.object({
  id: z
    .string()
    .min(1)
    .max(300)
    .openapi({ description: 'Our id, or the tracking ID in any case (its newest episode)' }),
});
const refusals = { 401: failure('No or a wrong token'), 403: failure('The token may not do this') };

/** Registers the routes; authorisation is the caller's middleware. */
export function incidentRoutes(app: OpenAPIHono<Env>, deps: ApiDeps): void {
  const db = deps.pools.read;

  async function incident(id: string): Promise<IncidentListRow> {
    const found = await findIncident(db, id);
    if (!found) throw new Problem(404, 'no-such-incident', 'no incident has this id or tracking ID');
    return found;
  }

  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/incidents',
      summary: 'Incidents, newest first',
      request: { query: IncidentQuery },
      responses: {
        200: json(z.object({ incidents: z.array(Incident), next: z.string().nullable() }), 'A page of incidents'),
        400: failure('A filter is malformed'),
        ...refusals,
      },
    }),
    async (c) => {
      const query = c.req.valid('query');
      const after = query.cursor ? readCursor(query.cursor) : null;
      const rows = await listIncidents(db, {
        state: query.state,
        kind: query.kind,
        service: query.service ?? null,
        region: query.region ?? null,
        subscription: query.subscription ?? null,
        source: query.source ?? null,
        from: query.from ?? null,
        to: query.to ?? null,
        q: query.q ?? null,
        limit: query.limit + 1,
        after,
      });
      const page = rows.slice(0, query.limit);
      const last = page.at(-1);
      const next =
        rows.length > query.limit && last ? Buffer.from(`${last.firstSeenAt}|${last.id}`).toString('base64url') : null;
      return c.json({ incidents: page as z.infer<typeof Incident>[], next }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/incidents/{id}',
      summary: 'One incident with all subscriptions, resources and who told us',
      request: { params: IdParam },
      responses: {
        200: json(z.object({ incident: Incident.extend({ provenance: z.array(Provenance) }) }), 'The incident'),
        404: failure('Unknown'),
        ...refusals,
      },
    }),
    async (c) => {
      const found = await incident(c.req.valid('param').id);
      const config = deps.config();
      const provenance = (await readProvenance(db, found.id)).map((row) => {
        const known = config.subscriptions.get(row.subscription);
        return { ...row, name: known?.name ?? null, team: known?.team ?? null };
      });
      return c.json({ incident: { ...(found as z.infer<typeof Incident>), provenance } }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/incidents/{id}/timeline',
      summary: 'The timeline, oldest first',
      request: { params: IdParam, query: TimelineQuery },
      responses: {
        200: {
          ...json(z.object({ timeline: z.array(TimelineEntry) }), 'The timeline'),
          content: {
            'application/json': { schema: z.object({ timeline: z.array(TimelineEntry) }) },
            'text/markdown': { schema: z.string() },
            'text/csv': { schema: z.string() },
            'text/html': { schema: z.string() },
          },
        },
        404: failure('Unknown'),
        ...refusals,
      },
    }),
    async (c) => {
      const query = c.req.valid('query');
      const found = await incident(c.req.valid('param').id);
      const rows = await readTimeline(db, found.id, { recordedUntil: query.at ?? null, limit: query.limit ?? null });
      const format = query.format ?? preferred(c.req.header('accept'));
      if (format === 'json') return c.json({ timeline: rows.map(publicEntry) }, 200);
      const { type, body } = renderTimeline(found, rows, format);
      return c.body(body, 200, { 'content-type': `${type}; charset=utf-8` }) as never;
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/incidents/{id}/deliveries',
      summary: 'What was promised to whom, every try and what the vendor answered',
      request: { params: IdParam },
      responses: {
        200: json(z.object({ deliveries: z.array(Delivery) }), 'The deliveries'),
        404: failure('Unknown'),
        ...refusals,
      },
    }),
    async (c) => {
      const found = await incident(c.req.valid('param').id);
      const rows = await readDeliveries(db, found.id);
      return c.json({ deliveries: rows as z.infer<typeof Delivery>[] }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'post',
      path: '/v1/incidents/{id}/notes',
      summary: 'Adds a note by the holder of the token to the timeline',
      request: { params: IdParam, body: { required: true, content: { 'application/json': { schema: NoteBody } } } },
      responses: {
        201: json(z.object({ at: z.string(), author: z.string() }), 'Added'),
        400: failure('No text'),
        404: failure('Unknown'),
        ...refusals,
      },
    }),
    async (c) => {
      const found = await incident(c.req.valid('param').id);
      const author = c.get('caller').name;
      const at = await addNote(deps.pools.ingest, { incidentId: found.id, author, text: c.req.valid('json').text });
      return c.json({ at: at ?? deps.now().toISOString(), author }, 201);
    },
  );

  app.openapi(
    createRoute({
      method: 'post',
      path: '/v1/deliveries/{id}/retry',
      summary: 'Tries a delivery again at once',
      request: { params: z.object({ id: z.string().min(1).max(100) }) },
      responses: {
        202: json(z.object({ retrying: z.boolean() }), 'Under way'),
        404: failure('Unknown, or nothing to retry'),
        ...refusals,
      },
    }),
    async (c) => {
      const destination = await retryNow(deps.pools.ingest, c.req.valid('param').id, c.get('caller').name);
      if (destination === null) throw new Problem(404, 'nothing-to-retry', 'no such delivery, or it is level');
      deps.ring([destination]);
      return c.json({ retrying: true }, 202);
    },
  );
}

/** Row numbers are ours. */
function publicEntry({ at, recordedAt, kind, revision, summary, data }: TimelineRow): z.infer<typeof TimelineEntry> {
  return { at, recordedAt, kind, revision, summary, data };
}

function readCursor(cursor: string): { firstSeenAt: string; id: string } {
  const [firstSeenAt, id] = Buffer.from(cursor, 'base64url').toString().split('|');
  if (!firstSeenAt || !id || Number.isNaN(Date.parse(firstSeenAt)) || !/^inc_\w+$/.test(id))
    throw new Problem(400, 'bad-cursor', 'use the `next` of the page before');
  return { firstSeenAt, id };
}

function preferred(accept: string | undefined): 'json' | 'markdown' | 'csv' | 'html' {
  if (accept?.includes('text/markdown')) return 'markdown';
  if (accept?.includes('text/csv')) return 'csv';
  return accept?.includes('text/html') && !accept.includes('application/json') ? 'html' : 'json';
}
