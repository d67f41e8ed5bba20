/** SQL of what vendors call back: which incident is meant, and one timeline entry per call however often it comes. */
import type { Queryable } from './pools.ts';

export interface CallbackRow {
  vendor: 'pagerduty' | 'servicenow';
  /** The same call again has the same key. */
  eventKey: string;
  /** The vendor's own id of the record. */
  record: string | null;
  event: string;
  actor: string | null;
  at: string;
  incidentId: string | null;
  /** Why no incident was found. */
  reason: string | null;
  /** Start of the body where no incident was found. */
  raw: string | null;
  summary: string;
  data: Record<string, unknown>;
}

/** Writes call and timeline entry in one statement. False when this call was taken before. */
export async function recordCallback(db: Queryable, row: CallbackRow): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'record-callback',
    text: `with taken as (
        insert into callbacks (vendor, event_key, record, event, actor, at, incident_id, reason, raw)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (vendor, event_key) do nothing returning incident_id, at
      ), told as (
        insert into timeline (incident_id, revision, at, kind, summary, data)
        select i.id, i.revision, taken.at, 'note', $10, $11::jsonb from taken join incidents i on i.id = taken.incident_id
      )
      select 1 from taken`,
    values: [
      row.vendor,
      row.eventKey,
      row.record,
      row.event,
      row.actor,
      row.at,
      row.incidentId,
      row.reason,
      row.raw,
      row.summary,
      JSON.stringify(row.data),
    ],
  });
  return (rowCount ?? 0) > 0;
}

/**
 * The incident behind a vendor key. Keys are not stored, since they can be computed (design section 6): the database
 * does so for the destinations of that type. `ids` maps destination names to the ids that go into the key.
 */
export async function incidentByVendorKey(
  db: Queryable,
  key: string,
  { type, relayId, ids }: { type: string; relayId: string; ids: Readonly<Record<string, string>> },
): Promise<string | null> {
  const { rows } = await db.query<{ id: string }>({
    name: 'incident-by-vendor-key',
    text: `select i.id from deliveries d join incidents i on i.id = d.incident_id
      where d.type = $2 and encode(sha256(convert_to($3::text || E'\\n' || i.identity || E'\\n' || coalesce(d.key_episode, i.episode) || E'\\n' || coalesce($4::jsonb->>d.destination, d.destination), 'UTF8')), 'hex') = $1
      order by i.first_seen_at desc limit 1`,
    values: [key, type, relayId, JSON.stringify(ids)],
  });
  return rows[0]?.id ?? null;
}

/** The incident that an earlier call about the same record of the vendor has led to. */
export async function incidentByRecord(db: Queryable, vendor: string, record: string): Promise<string | null> {
  const { rows } = await db.query<{ id: string }>({
    name: 'incident-by-record',
    text: `select incident_id as id from callbacks where vendor = $1 and record = $2 and incident_id is not null order by received_at desc limit 1`,
    values: [vendor, record],
  });
  return rows[0]?.id ?? null;
}

/** The incident whose ServiceNow record has this sys_id, as the delivery remembers it. */
export async function incidentBySysId(db: Queryable, sysId: string): Promise<string | null> {
  const { rows } = await db.query<{ id: string }>({
    name: 'incident-by-sys-id',
    text: `select incident_id as id from deliveries where type = 'servicenow' and memo->>'sysId' = $1 order by created_at desc limit 1`,
    values: [sysId],
  });
  return rows[0]?.id ?? null;
}

/** The newest incident under one of these tracking IDs, in lower case; the first that is known wins. */
export async function incidentByTrackingId(db: Queryable, trackingIds: readonly string[]): Promise<string | null> {
  const { rows } = await db.query<{ id: string }>({
    name: 'incident-by-tracking-id',
    text: `select id from incidents where lower(tracking_id) = any($1::text[]) order by array_position($1::text[], lower(tracking_id)), episode desc limit 1`,
    values: [trackingIds],
  });
  return rows[0]?.id ?? null;
}

/** Newest calls that no incident was found for. */
export async function readUnmatchedCallbacks(
  db: Queryable,
  limit: number,
): Promise<{ vendor: string; event: string; receivedAt: string; reason: string | null }[]> {
  const { rows } = await db.query<{ vendor: string; event: string; receivedAt: string; reason: string | null }>({
    name: 'unmatched-callbacks',
    text: `select vendor, event, received_at as "receivedAt", reason from callbacks where incident_id is null order by received_at desc limit $1`,
    values: [limit],
  });
  return rows;
}
