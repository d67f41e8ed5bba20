/** Free-text search: whole words or beginnings of words, all of them, in any order. */
import type { Queryable } from './pools.ts';

/** Every sign of ASCII that is no letter or digit stands between words; the indexes of migration 0003 say the same. */
const SIGNS = String.raw`[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u007f]+`;
const WORDS_MAX = 8;
/** SQLSTATE. */
const INSUFFICIENT_PRIVILEGE = '42501';

/** A `tsquery` for what a person typed; null where it holds no word. Never a syntax error, whatever is typed. */
export function searchWords(text: string): string | null {
  const words = text
    .split(/[\p{Cc}\s!-/:-@[-`{-\u007f]+/u)
    .filter((word) => word !== '')
    .slice(0, WORDS_MAX);
  return words.length === 0 ? null : words.map((word) => `${word}:*`).join(' & ');
}

/** Ids of incidents whose title, tracking ID, posts or notes hold the words. `full` false leaves the text of security posts out. */
export function searchSql(parameter: string, { full }: { full: boolean }): string {
  const words = (text: string): string =>
    `to_tsvector('simple', regexp_replace(left(${text}, 100000), '${SIGNS}', ' ', 'g')) @@ to_tsquery('simple', ${parameter})`;
  const guard = full
    ? ''
    : ` and not exists (select 1 from incidents s where s.id = incident_id and s.kind = 'security')`;
  return `(select id from incidents where ${words(`headline || ' ' || title || ' ' || identity`)}
    union select incident_id from timeline where kind in ('communication', 'note') and ${words(`coalesce(data->>'text', '')`)}${guard})`;
}

/**
 * Puts words that wait into the indexes (migration 0015); about 45 us per new incident. What waits is found as well, only
 * slower. Where the schema belongs to another role this one may not, and autovacuum does it.
 */
export async function settleWords(db: Queryable): Promise<void> {
  for (const index of ['timeline_words', 'incidents_words']) {
    try {
      await db.query(`select gin_clean_pending_list('${index}')`);
    } catch (error) {
      if ((error as { code?: string }).code !== INSUFFICIENT_PRIVILEGE) throw error;
    }
  }
}
