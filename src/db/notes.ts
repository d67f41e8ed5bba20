/** SQL of what people add to the record. */
import type { Queryable } from './pools.ts';

/** What a person adds: a note, a correction of an entry, or the word that somebody is on it. */
export interface PersonNote {
  incidentId: string;
  author: string;
  text: string;
  event: 'note' | 'correction' | 'acknowledged';
  /** Row number of the entry that is corrected. */
  corrects: number | null;
}

const NOTE_WORDS = { note: 'Note', correction: 'Correction', acknowledged: 'Acknowledged' } as const;

/** Adds it under the author's name. Returns time and row number, or null for an unknown incident or entry. */
export async function addNote(db: Queryable, note: PersonNote): Promise<{ at: string; id: number } | null> {
  const { rows } = await db.query<{ at: string; id: number }>(
    `insert into timeline (incident_id, revision, at, kind, summary, data)
     select id, revision, now(), 'note', left($4::text || ' by ' || $2::text || case when $3::text = '' then '' else ': ' || $3::text end, 200),
       jsonb_build_object('author', $2::text, 'text', $3::text) || $5::jsonb
     from incidents i where id = $1 and ($6::bigint is null or exists (select 1 from timeline t where t.id = $6 and t.incident_id = i.id))
     returning at, id`,
    [
      note.incidentId,
      note.author,
      note.text,
      NOTE_WORDS[note.event],
      JSON.stringify({
        ...(note.event === 'note' ? {} : { event: note.event }),
        ...(note.corrects === null ? {} : { corrects: note.corrects }),
      }),
      note.corrects,
    ],
  );
  return rows[0] ?? null;
}
