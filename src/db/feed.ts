/** SQL of the live feed: what was added to timelines, and odd signals, since a place. */
import type { TimelineKind } from '#src/core/incident.ts';
import type { Queryable } from './pools.ts';

export interface FeedRow {
  id: number;
  incident: string;
  trackingId: string | null;
  incidentKind: string;
  state: string;
  headline: string;
  at: string;
  recordedAt: string;
  kind: TimelineKind;
  revision: number;
  summary: string;
  author: string | null;
  event: string | null;
}

/** Newest row number. */
export async function newestEntry(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ id: number | null }>({
    name: 'newest-entry',
    text: 'select max(id) as id from timeline',
  });
  return rows[0]?.id ?? 0;
}

/** Entries after a row number, oldest first. */
export async function entriesAfter(db: Queryable, id: number, limit: number): Promise<FeedRow[]> {
  const { rows } = await db.query<FeedRow>({
    name: 'entries-after',
    text: `select t.id, t.incident_id as incident, i.tracking_id as "trackingId", i.kind as "incidentKind", i.state, i.headline, t.at, t.recorded_at as "recordedAt",
        t.kind, t.revision, t.summary, t.data->>'author' as author, t.data->>'event' as event
      from timeline t join incidents i on i.id = t.incident_id where t.id > $1 and i.kind <> 'canary' order by t.id limit $2`,
    values: [id, limit],
  });
  return rows;
}
