/** `/v1/clocks`: how long it took, for one incident or over many. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { DURATIONS, durationsOf, summarise, type ClockGroup, type ClockRow } from '#src/core/clocks.ts';
import { isOpen } from '#src/core/incident.ts';
import type { IncidentState } from '#src/core/adapter.ts';
import { readClockFacts, type ClockFactsRow } from '#src/db/clocks.ts';
import { preferredType } from './accept.ts';
import type { ApiDeps, Env } from './deps.ts';
import { csvText } from './exports/csv.ts';
import { clocksOf, findRecord } from './incidents-record.ts';
import { failure, IdParam, json, refusals } from './incidents-shared.ts';
import { Problem } from './problem.ts';
import { AsOfQuery, Clocks, ClocksQuery } from './schemas.ts';

const PERIOD_MS = 90 * 86_400_000;
/** More than that in one answer is a job for the CSV of several periods. */
const INCIDENTS_MAX = 20_000;

const Distribution = z.object({
  count: z.number().int(),
  p50: z.number().nullable(),
  p90: z.number().nullable(),
  p99: z.number().nullable(),
  max: z.number().nullable(),
});
const Group = z
  .object({
    key: z.string(),
    incidents: z.number().int(),
    impactMinutes: z.number().openapi({ description: 'Documented by Azure; overlaps counted once' }),
    durations: z.record(z.string(), Distribution),
  })
  .openapi('ClockGroup');

/** Registers the routes. */
export function clockRoutes(app: OpenAPIHono<Env>, deps: ApiDeps): void {
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/incidents/{id}/clocks',
      summary: 'When what happened, and how long it took',
      request: { params: IdParam, query: AsOfQuery },
      responses: {
        200: json(z.object({ clocks: Clocks }), 'The clocks'),
        404: failure('Unknown, or not known at that moment'),
        ...refusals,
      },
    }),
    async (c) => {
      const asked = { id: c.req.valid('param').id, at: c.req.valid('query').at ?? null };
      const found = await findRecord(deps, c.get('caller'), asked);
      return c.json({ clocks: await clocksOf(deps, found) }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/clocks',
      summary: 'Percentiles and documented impact minutes per month, service, region or registry; JSON or CSV',
      request: { query: ClocksQuery },
      responses: {
        200: {
          description: 'Groups, or with `by=incident` one line per incident',
          content: {
            'application/json': { schema: z.object({ groups: z.array(Group) }).loose() },
            'text/csv': { schema: z.string() },
          },
        },
        400: failure('Too many incidents in this period'),
        ...refusals,
      },
    }),
    async (c) => {
      const query = c.req.valid('query');
      const nowMs = deps.now().getTime();
      const to = query.to ? Date.parse(query.to) : nowMs;
      const from = query.from ? Date.parse(query.from) : to - PERIOD_MS;
      const { kind, service = null, region = null, subscription = null } = query;
      const rows = await readClockFacts(deps.pools.read, {
        id: null,
        kind,
        service,
        region,
        subscription,
        limit: INCIDENTS_MAX + 1,
        from: new Date(from).toISOString(),
        to: new Date(to).toISOString(),
      });
      if (rows.length > INCIDENTS_MAX)
        throw new Problem(
          400,
          'too-many',
          `more than ${INCIDENTS_MAX} incidents: ask for a shorter period or one kind`,
        );
      const wanted = preferredType(c.req.header('accept'), ['application/json', 'text/csv']);
      const csv = query.format === undefined ? wanted === 'text/csv' : query.format === 'csv';
      c.header('vary', 'accept');
      const send = (text: string) => c.body(text, 200, { 'content-type': 'text/csv; charset=utf-8' }) as never;
      const period = { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
      if (query.by === 'incident') {
        if (csv) return send(incidentsCsv(rows));
        const incidents = rows.map((row) => ({ ...row, durations: durationsOf(row) }));
        return c.json({ groups: [], incidents, period }, 200);
      }
      const groups = summarise(rows.map(rowOf), { by: query.by, period: { from, to }, nowMs });
      return csv ? send(groupsCsv(groups)) : c.json({ groups, period }, 200);
    },
  );
}

function rowOf(row: ClockFactsRow): ClockRow {
  const { services, regions, registries } = row;
  return { clocks: row, open: isOpen(row.state as IncidentState), services, regions, registries };
}

function groupsCsv(groups: readonly ClockGroup[]): string {
  const heads = DURATIONS.flatMap((name) =>
    ['count', 'p50', 'p90', 'p99', 'max'].map((figure) => `${name}_${figure}_s`),
  );
  const rows = groups.map((group) => [
    group.key,
    String(group.incidents),
    String(group.impactMinutes),
    ...DURATIONS.flatMap((name) => {
      const { count, p50, p90, p99, max } = group.durations[name];
      return [count, p50, p90, p99, max].map((figure) => (figure === null ? '' : String(figure)));
    }),
  ]);
  return csvText([
    ['key', 'incidents', 'impact_minutes', ...heads.map((head) => head.replace('count_s', 'count'))],
    ...rows,
  ]);
}

const TIMES = [
  'impactStartedAt',
  'firstCommunicationAt',
  'firstSignalAt',
  'committedAt',
  'firstPageAt',
  'firstToldAt',
  'acknowledgedAt',
  'mitigatedAt',
  'resolvedAt',
  'reviewedAt',
] as readonly (keyof ClockFactsRow)[];

function incidentsCsv(rows: readonly ClockFactsRow[]): string {
  const lines = rows.map((row) => {
    const durations = durationsOf(row);
    return [
      row.id,
      row.trackingId ?? '',
      row.kind,
      row.state,
      row.headline,
      ...[row.services, row.regions, row.registries].map((list) => list.join('; ')),
      ...TIMES.map((name) => String(row[name] ?? '')),
      ...DURATIONS.map((name) => String(durations[name] ?? '')),
    ];
  });
  const heads = ['id', 'trackingId', 'kind', 'state', 'headline', 'services', 'regions', 'registries', ...TIMES];
  return csvText([[...heads, ...DURATIONS.map((name) => `${name}_s`)], ...lines]);
}
