/** SQL of the estate: one document, and Azure's own list of what an incident hits. */
import type { Estate } from '#src/core/estate.ts';
import type { Post } from '#src/core/incident.ts';
import type { Kind, Severity } from '#src/core/signal.ts';
import type { Queryable } from './pools.ts';

export interface StoredEstate {
  version: number;
  takenAt: string;
  triedAt: string;
  /** Why the last try to read it anew failed. */
  fault: string | null;
  /** Null where it never succeeded, and where `knownVersion` says that the caller has it. */
  data: Estate | null;
}

/** Null before the first try. The document itself only where its version is not `knownVersion`. */
export async function loadEstate(db: Queryable, knownVersion: number | null): Promise<StoredEstate | null> {
  const { rows } = await db.query<StoredEstate>(
    `select version, taken_at as "takenAt", tried_at as "triedAt", fault, case when version is distinct from $1 then data end as data from estate`,
    [knownVersion],
  );
  return rows[0] ?? null;
}

/** A new reading; the version grows only when something has changed. */
export async function saveEstate(db: Queryable, data: Estate): Promise<void> {
  await db.query(
    `insert into estate (version, taken_at, data) values (1, now(), $1)
     on conflict (one) do update set taken_at = now(), tried_at = now(), fault = null,
       version = estate.version + case when estate.data is distinct from excluded.data then 1 else 0 end, data = excluded.data`,
    [JSON.stringify(data)],
  );
}

/** The last reading stands; this one failed. */
export async function noteEstateFault(db: Queryable, fault: string): Promise<void> {
  await db.query(
    `insert into estate (version, taken_at, fault) values (0, now(), $1) on conflict (one) do update set tried_at = now(), fault = excluded.fault`,
    [fault],
  );
}

/** How Azure's list comes into the scope: as resources told by a rule of this name and the status. */
export const AZURE_LIST = 'Azure list: ';

export interface ListedResource {
  resource: string;
  /** As Azure says: `Confirmed`, `Potential`, ...; the newest word. */
  status: string;
  subscription: string;
  seenAt: string;
}

/** Azure's own list for an incident, by resource id. */
export async function readAzureList(db: Queryable, incidentId: string): Promise<ListedResource[]> {
  const { rows } = await db.query<ListedResource>(
    `select distinct on (resource) resource, substr(rule, $2) as status, subscription, first_seen_at as "seenAt"
     from incident_scope where incident_id = $1 and schema = 'backfill' and rule like $3 and resource <> ''
     order by resource, first_seen_at desc`,
    [incidentId, AZURE_LIST.length + 1, `${AZURE_LIST}%`],
  );
  return rows;
}

/** What was told of an incident's place, for the blast radius. */
export async function readPlace(
  db: Queryable,
  incidentId: string,
): Promise<{ impacts: { service: string; region: string }[]; subscriptions: string[]; resources: string[] }> {
  const { rows } = await db.query<{ service: string; region: string; subscription: string; resource: string }>(
    `select distinct service, region, subscription, resource from incident_scope where incident_id = $1`,
    [incidentId],
  );
  const impacts = new Map(
    rows
      .filter((row) => row.service !== '')
      .map(({ service, region }) => [`${service}\n${region}`, { service, region }]),
  );
  const distinct = (values: string[]): string[] => [...new Set(values)].filter((value) => value !== '').sort();
  return {
    impacts: [...impacts.values()],
    subscriptions: distinct(rows.map((row) => row.subscription)),
    resources: distinct(rows.map((row) => row.resource)),
  };
}

export interface OpenForRoutes {
  id: string;
  identity: string;
  trackingId: string | null;
  kind: Kind;
  severity: Severity;
  stage: string | null;
  posts: Post[];
  impacts: { service: string; region: string }[];
  subscriptions: string[];
  resources: string[];
  sources: string[];
}

/** Open Service Health incidents with their scope, newest first, at most 200. */
export async function findOpenForRoutes(db: Queryable): Promise<OpenForRoutes[]> {
  const { rows } = await db.query<OpenForRoutes>(
    `select i.id, i.identity, i.tracking_id as "trackingId", i.kind, i.severity, i.stage, i.posts, s.* from incidents i, lateral (
       select coalesce(jsonb_agg(distinct jsonb_build_object('service', service, 'region', region)) filter (where service <> ''), '[]') as impacts,
         coalesce(array_agg(distinct subscription) filter (where subscription <> ''), '{}') as subscriptions,
         coalesce(array_agg(distinct resource) filter (where resource <> ''), '{}') as resources,
         coalesce(array_agg(distinct source), '{}') as sources
       from incident_scope where incident_id = i.id) s
     where i.latest and i.state in ('planned', 'active') and i.kind in ('outage', 'maintenance', 'advisory', 'security')
     order by i.first_seen_at desc limit 200`,
  );
  return rows;
}
