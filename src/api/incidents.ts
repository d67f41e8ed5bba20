/** `/v1/incidents...`, reading: the record, for people and programs. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { etag } from 'hono/etag';
import { listIncidents } from '#src/db/incident-list.ts';
import { preferredType } from './accept.ts';
import type { Caller } from './auth.ts';
import type { ApiDeps, Env } from './deps.ts';
import { renderTimeline } from './exports/render.ts';
import { externalRecord } from './exports/external.ts';
import { mayReadSecurity, withheldIncident } from './incidents-need-to-know.ts';
import { noteRoutes } from './incidents-notes.ts';
import {
  clocksOf,
  deliveriesOf,
  findRecord,
  loadRecord,
  provenanceOf,
  relatedTo,
  timelineOf,
  type Entry,
} from './incidents-record.ts';
import { failure, IdParam, json, refusals } from './incidents-shared.ts';
import { Problem } from './problem.ts';
import {
  AsOfQuery,
  Clocks,
  Delivery,
  Incident,
  IncidentQuery,
  parseUtc,
  Provenance,
  Related,
  TimelineEntry,
  TimelineQuery,
} from './schemas.ts';

export const WholeIncident = Incident.extend({
  provenance: z.array(Provenance),
  related: z.array(Related),
  clocks: Clocks,
  withheld: z.boolean().openapi({ description: 'The text of this security post is for others' }),
});

/** Registers the routes; authorisation is the caller's middleware. */
export function incidentRoutes(app: OpenAPIHono<Env>, deps: ApiDeps): void {
  const tagged = etag();
  app.use('/v1/incidents', tagged);
  app.use('/v1/incidents/*', tagged);
  listRoute(app, deps);
  incidentRoute(app, deps);
  timelineRoute(app, deps);
  deliveriesRoute(app, deps);
  noteRoutes(app, deps);
}

function listRoute(app: OpenAPIHono<Env>, deps: ApiDeps): void {
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/incidents',
      summary: 'Incidents, newest first',
      request: { query: IncidentQuery },
      responses: {
        200: json(z.object({ incidents: z.array(Incident), next: z.string().nullable() }), 'A page of incidents'),
        304: { description: 'Nothing has changed since the ETag of If-None-Match' },
        400: failure('A filter is malformed'),
        ...refusals,
      },
    }),
    async (c) => {
      const query = c.req.valid('query');
      const { incidents, next } = await pageOfIncidents(deps, {
        query,
        full: mayReadSecurity(deps.config(), c.get('caller')),
      });
      return c.json({ incidents: incidents as z.infer<typeof Incident>[], next }, 200);
    },
  );
}

/** One page of the list, with the cursor of the next. Shared with the page of the same name. */
export async function pageOfIncidents(
  deps: Pick<ApiDeps, 'pools' | 'config'>,
  { query, full }: { query: z.infer<typeof IncidentQuery>; full: boolean },
): Promise<{ incidents: Awaited<ReturnType<typeof listIncidents>>; next: string | null }> {
  const after = query.cursor ? readCursor(query.cursor) : null;
  const { state, kind, limit } = query;
  const rows = await listIncidents(deps.pools.read, {
    state,
    kind,
    full,
    after,
    limit: limit + 1,
    service: query.service ?? null,
    region: query.region ?? null,
    subscription: subscriptionId(deps, query.subscription),
    source: query.source ?? null,
    from: query.from ?? null,
    to: query.to ?? null,
    q: query.q ?? null,
  });
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const next = rows.length > limit && last ? Buffer.from(`${last.firstSeenAt}|${last.id}`).toString('base64url') : null;
  return {
    incidents: page.map((row) => (row.kind === 'security' && !full ? withheldIncident(row) : row)),
    next,
  };
}

function incidentRoute(app: OpenAPIHono<Env>, deps: ApiDeps): void {
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/incidents/{id}',
      summary: 'One incident with all subscriptions and resources, who told us, its clocks, and what is related',
      request: { params: IdParam, query: AsOfQuery },
      responses: {
        200: json(z.object({ incident: WholeIncident }), 'The incident'),
        304: { description: 'Nothing has changed since the ETag of If-None-Match' },
        404: failure('Unknown, or not known at that moment'),
        ...refusals,
      },
    }),
    async (c) => {
      const incident = await incidentAnswer(deps, c.get('caller'), asked(c.req.valid('param'), c.req.valid('query')));
      return c.json({ incident }, 200);
    },
  );
}

/** One incident with all that is known beside it, for the route and for MCP. Throws the 404 where there is none. */
export async function incidentAnswer(
  deps: ApiDeps,
  caller: Caller,
  wanted: { id: string; at: string | null },
): Promise<z.infer<typeof WholeIncident>> {
  const found = await findRecord(deps, caller, wanted);
  const [told, related, clocks] = await Promise.all([
    provenanceOf(deps, found),
    relatedTo(deps, found),
    clocksOf(deps, found),
  ]);
  const { subscriptions } = deps.config();
  const provenance = told.map((row) => {
    const known = subscriptions.get(row.subscription);
    return { ...row, name: known?.name ?? null, team: known?.team ?? null };
  });
  return { ...(found.incident as z.infer<typeof Incident>), provenance, related, clocks, withheld: found.withheld };
}

function timelineRoute(app: OpenAPIHono<Env>, deps: ApiDeps): void {
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/incidents/{id}/timeline',
      summary: 'The timeline, oldest first; as a document in four formats',
      request: { params: IdParam, query: TimelineQuery },
      responses: {
        200: {
          description: 'The timeline',
          content: {
            'application/json': { schema: z.object({ timeline: z.array(TimelineEntry) }).loose() },
            'text/markdown': { schema: z.string() },
            'text/csv': { schema: z.string() },
            'text/html': { schema: z.string() },
          },
        },
        304: { description: 'Nothing has changed since the ETag of If-None-Match' },
        404: failure('Unknown, or not known at that moment'),
        ...refusals,
      },
    }),
    async (c) => {
      const query = c.req.valid('query');
      const format = query.format ?? FORMATS[preferredType(c.req.header('accept'), TYPES)];
      c.header('vary', 'accept');
      const external = query.audience === 'external';
      if (format === 'json' && !external) {
        const found = await findRecord(deps, c.get('caller'), asked(c.req.valid('param'), c.req.valid('query')));
        const entries = await timelineOf(deps, found, query.limit ?? null);
        return c.json({ timeline: entries.map(publicEntry) }, 200);
      }
      const whole = await loadRecord(deps, c.get('caller'), asked(c.req.valid('param'), c.req.valid('query')));
      const names = deps.config().subscriptions;
      const record = external ? externalRecord(whole, names) : whole;
      const timeline = query.limit === undefined ? record.timeline : record.timeline.slice(0, query.limit);
      if (format === 'json') return c.json({ timeline: timeline.map(publicEntry), audience: 'external' }, 200);
      const { type, body } = renderTimeline({ ...record, timeline }, { format, external, subscriptions: names });
      return c.body(body, 200, { 'content-type': `${type}; charset=utf-8`, ...SEALED }) as never;
    },
  );
}

/** A document that a browser opens from here may load and run nothing, whatever stands in it. */
const SEALED = {
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox allow-popups",
  'x-content-type-options': 'nosniff',
};

function deliveriesRoute(app: OpenAPIHono<Env>, deps: ApiDeps): void {
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/incidents/{id}/deliveries',
      summary: 'What was promised to whom, every try and what the vendor answered',
      request: { params: IdParam, query: AsOfQuery },
      responses: {
        200: json(z.object({ deliveries: z.array(Delivery) }), 'The deliveries'),
        304: { description: 'Nothing has changed since the ETag of If-None-Match' },
        404: failure('Unknown, or not known at that moment'),
        ...refusals,
      },
    }),
    async (c) => {
      const found = await findRecord(deps, c.get('caller'), asked(c.req.valid('param'), c.req.valid('query')));
      return c.json({ deliveries: (await deliveriesOf(deps, found)) as z.infer<typeof Delivery>[] }, 200);
    },
  );
}

function asked({ id }: { id: string }, { at }: { at?: string | undefined }): { id: string; at: string | null } {
  return { id, at: at ?? null };
}

/** An entry as the API shows it. */
export function publicEntry(entry: Entry): z.infer<typeof TimelineEntry> {
  return { ...entry, changes: entry.changes ?? [] };
}

const CURSOR_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z$/;

function readCursor(cursor: string): { firstSeenAt: string; id: string } {
  const [firstSeenAt, id] = Buffer.from(cursor, 'base64url').toString().split('|');
  // What Date.parse takes for a time is not always one to Postgres: `1` is the year 2001 here, and an error there.
  if (
    !firstSeenAt ||
    !id ||
    !CURSOR_TIME.test(firstSeenAt) ||
    Number.isNaN(parseUtc(firstSeenAt)) ||
    !/^inc_\w+$/.test(id)
  )
    throw new Problem(400, 'bad-cursor', 'use the `next` of the page before');
  return { firstSeenAt, id };
}

const TYPES = ['application/json', 'text/markdown', 'text/csv', 'text/html'] as const;
const FORMATS = {
  'application/json': 'json',
  'text/markdown': 'markdown',
  'text/csv': 'csv',
  'text/html': 'html',
} as const;

/** A subscription may be named as the config names it. */
function subscriptionId(deps: Pick<ApiDeps, 'config'>, given: string | undefined): string | null {
  if (given === undefined) return null;
  const named = [...deps.config().subscriptions].find(([, info]) => info.name?.toLowerCase() === given.toLowerCase());
  return named?.[0] ?? given;
}
