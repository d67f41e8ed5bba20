/** `/v1/estate` and `/v1/incidents/{id}/impact`: our own resources, and which of them an incident hits. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { blastRadius, foldName, type EstateIndex, type EstateResource } from '#src/core/estate.ts';
import { hitsInWords, whyUnknown, type EstateView } from '#src/core/estate-facts.ts';
import { destinationsOf, ownerOf } from '#src/core/estate-owners.ts';
import type { Kind } from '#src/core/signal.ts';
import { readAzureList, readPlace } from '#src/db/estate.ts';
import type { Caller } from './auth.ts';
import type { ApiDeps, Env } from './deps.ts';
import { findRecord } from './incidents-record.ts';
import { failure, IdParam, json, refusals } from './incidents-shared.ts';

const Resource = z
  .object({
    id: z.string(),
    kind: z.enum(['registry', 'cluster']),
    name: z.string(),
    subscription: z.string(),
    region: z.string(),
    replicas: z.array(z.object({ region: z.string(), endpoint: z.boolean().nullable() })),
    version: z.string().nullable().openapi({ description: 'Kubernetes version, or SKU of a registry' }),
    tags: z.record(z.string(), z.string()),
    owner: z.string().nullable(),
  })
  .openapi('EstateResource');

const Head = {
  known: z.boolean().openapi({ description: 'False: unknown or stale, and nothing is decided by it' }),
  unknown: z.string().nullable().openapi({ description: 'Why it is not known' }),
  takenAt: z.string().nullable(),
};

export const Impact = z
  .object({
    ...Head,
    summary: z.string(),
    hits: z.array(
      Resource.extend({
        by: z.array(z.enum(['home', 'replica', 'named'])),
        impacts: z.array(z.object({ service: z.string(), region: z.string() })),
        destinations: z.array(z.string()).openapi({ description: 'Of its owner' }),
        azure: z
          .string()
          .openapi({ description: "Azure's word: confirmed, potential, ..., or not listed", example: 'confirmed' }),
      }),
    ),
    azureOnly: z
      .array(z.object({ resource: z.string(), status: z.string(), subscription: z.string(), seenAt: z.string() }))
      .openapi({ description: "On Azure's list and not in the estate" }),
  })
  .openapi('BlastRadius');

/** Registers the routes; authorisation is the caller's middleware. */
export function estateRoutes(app: OpenAPIHono<Env>, deps: ApiDeps): void {
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/estate',
      summary: 'Our own registries and clusters, and how fresh that knowledge is',
      request: {
        query: z.object({
          kind: z.enum(['registry', 'cluster']).optional(),
          region: z.string().max(100).optional().openapi({ description: 'Home or replica' }),
          subscription: z.string().max(100).optional(),
          owner: z.string().max(300).optional(),
        }),
      },
      responses: {
        200: json(
          z.object({
            estate: z.object({
              ...Head,
              counts: z.object({ registries: z.number(), clusters: z.number(), subscriptions: z.number() }),
              resources: z.array(Resource),
            }),
          }),
          'The estate',
        ),
        ...refusals,
      },
    }),
    (c) => {
      const view = viewOf(deps);
      const { kind, region, subscription, owner } = c.req.valid('query');
      const resources = (view.index?.estate.resources ?? [])
        .map((resource) => withOwner(deps, view.index!, resource))
        .filter((one) => kind === undefined || one.kind === kind)
        .filter(
          (one) =>
            region === undefined || [one, ...one.replicas].some((place) => foldName(place.region) === foldName(region)),
        )
        .filter((one) => subscription === undefined || one.subscription === subscription.toLowerCase())
        .filter((one) => owner === undefined || one.owner?.toLowerCase() === owner.toLowerCase());
      const all = view.index?.estate;
      const count = (of: EstateResource['kind']): number => all?.resources.filter((one) => one.kind === of).length ?? 0;
      const counts = {
        registries: count('registry'),
        clusters: count('cluster'),
        subscriptions: all?.subscriptions.length ?? 0,
      };
      return c.json({ estate: { ...headOf(view), counts, resources } }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/incidents/{id}/impact',
      summary: "The blast radius: our resources that the incident hits, beside Azure's own list",
      request: { params: IdParam },
      responses: { 200: json(z.object({ impact: Impact }), 'The blast radius'), 404: failure('Unknown'), ...refusals },
    }),
    async (c) => c.json({ impact: await impactAnswer(deps, c.get('caller'), c.req.valid('param').id) }, 200),
  );
}

/** The blast radius of an incident, by our id or tracking ID, for the route and for MCP. Throws the 404 where there is none. */
export async function impactAnswer(deps: ApiDeps, caller: Caller, id: string): Promise<z.infer<typeof Impact>> {
  const { incident } = await findRecord(deps, caller, { id, at: null });
  const [place, listed] = await Promise.all([
    readPlace(deps.pools.read, incident.id),
    readAzureList(deps.pools.read, incident.id),
  ]);
  return impactOf(deps, { kind: incident.kind as Kind, ...place }, listed);
}

function impactOf(
  deps: ApiDeps,
  incident: { kind: Kind } & Awaited<ReturnType<typeof readPlace>>,
  listed: Awaited<ReturnType<typeof readAzureList>>,
): z.infer<typeof Impact> {
  const view = viewOf(deps);
  const { index } = view;
  const why = whyUnknown(view, incident);
  const words = new Map(listed.map((one) => [one.resource, one.status.toLowerCase()]));
  const hits = index === null ? [] : blastRadius(index, incident);
  const { owners, destinations } = deps.config();
  const names = destinations.filter((destination) => !destination.retired).map((destination) => destination.name);
  return {
    ...headOf(view),
    known: why === null,
    unknown: why,
    summary: why === null ? hitsInWords(hits) : `unknown: ${why}`,
    hits: hits.map((hit) => {
      const resource = withOwner(deps, index!, hit.resource);
      const told = owners === null ? [] : destinationsOf(resource.owner, owners, names);
      return {
        ...resource,
        by: [...hit.by],
        impacts: [...hit.impacts],
        destinations: told,
        azure: words.get(hit.resource.id) ?? 'not listed',
      };
    }),
    azureOnly: listed.filter((one) => index?.byId.has(one.resource) !== true),
  };
}

function viewOf(deps: ApiDeps): EstateView {
  return deps.estate?.() ?? { index: null, takenAt: null, unknown: 'no estate is configured' };
}

function headOf(view: EstateView): { known: boolean; unknown: string | null; takenAt: string | null } {
  return { known: view.unknown === null && view.index !== null, unknown: view.unknown, takenAt: view.takenAt };
}

function withOwner(deps: ApiDeps, index: EstateIndex, resource: EstateResource): z.infer<typeof Resource> {
  const { owners } = deps.config();
  const owner = owners === null ? null : ownerOf(resource, owners, index);
  return { ...resource, replicas: [...resource.replicas], tags: { ...resource.tags }, owner };
}
