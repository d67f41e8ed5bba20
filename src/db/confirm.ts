/** SQL of accepted calls whose effect the vendor can be asked about. */
import type { Action, Memo, Receipt } from '#src/core/adapter.ts';
import type { Queryable } from './pools.ts';

export interface Unconfirmed {
  id: string;
  destination: string;
  incidentId: string;
  identity: string;
  episode: number;
  memo: Memo;
  /** Number of the accepted attempt. */
  number: number;
  action: Action;
  coversFrom: number;
  coversTo: number;
  receipt: Receipt;
}

/** Asked after 15 s, then after a minute, five minutes and a quarter of an hour; then the receipt stays `accepted`. */
const PAUSES = `(array['1 minute', '5 minutes', '15 minutes']::interval[])[d.confirm_tries + 1]`;

/**
 * Takes what is to be asked now and sets the next time, so that of two replicas one asks. While a page is open its opening
 * comes first, whatever went out after it: without it everything later has gone nowhere.
 */
export async function takeUnconfirmed(db: Queryable, limit: number): Promise<Unconfirmed[]> {
  const { rows } = await db.query<Unconfirmed>({
    name: 'take-unconfirmed',
    text: `with due as (
        select id from deliveries where confirm_at <= now() order by confirm_at limit $1 for no key update skip locked
      ), taken as (
        update deliveries d set confirm_tries = d.confirm_tries + 1, confirm_at = now() + ${PAUSES} from due where due.id = d.id
        returning d.id, d.destination, d.incident_id, d.memo, d.told, d.key_episode
      )
      select t.id, t.destination, t.incident_id as "incidentId", i.identity, coalesce(t.key_episode, i.episode) as episode, t.memo, a.number, a.action,
        a.covers_from as "coversFrom", a.covers_to as "coversTo", a.receipt
      from taken t join incidents i on i.id = t.incident_id join lateral (
        select * from attempts a where a.delivery_id = t.id and a.outcome = 'accepted' and a.receipt->>'level' = 'accepted'
          and a.receipt->>'failed' is distinct from 'true'
        order by t.told = 'open' and a.action = 'open' desc, a.number desc limit 1) a on true`,
    values: [limit],
  });
  return rows;
}

/** The vendor has said that the thing exists: the receipt says so, and nobody asks again unless more went out since. */
export async function writeConfirmed(db: Queryable, asked: Unconfirmed, receipt: Receipt): Promise<void> {
  await db.query({
    name: 'write-confirmed',
    text: `with confirmed as (update attempts set receipt = $3 where delivery_id = $1 and number = $2)
      update deliveries set confirm_at = case when fence <> $2 then confirm_at end where id = $1`,
    values: [asked.id, asked.number, JSON.stringify(receipt)],
  });
}

/**
 * The vendor has dropped what it had accepted. The opening of a page that still counts as open is due again, with the same
 * key; after `triesMax` of them the delivery has failed, which its fallback hears of. Anything else is only told on the
 * timeline. Nothing happens while another try is under way or not settled: it is asked about again after that. Returns
 * whether the destination has work.
 */
export async function writeDropped(
  db: Queryable,
  asked: Unconfirmed,
  { receipt, summary, triesMax }: { receipt: Receipt; summary: string; triesMax: number },
): Promise<boolean> {
  const { rows } = await db.query<{ again: boolean }>({
    name: 'write-dropped',
    // A new fence, so that a step that was planned on what the destination seemed to know no longer fits.
    text: `with row as (
        select d.id, a.action = 'open' and d.told = 'open' as reopens,
          (select count(*) from attempts f where f.delivery_id = d.id and f.action = 'open' and f.receipt->>'failed' = 'true') + 1 as times
        from deliveries d join attempts a on a.delivery_id = d.id and a.number = $2
        where d.id = $1 and d.holder is null and a.receipt->>'failed' is distinct from 'true'
          and not exists (select 1 from attempts n where n.delivery_id = d.id and (n.outcome is null or (n.outcome = 'unknown' and not n.settled)))
        for no key update of d
      ), dropped as (
        update attempts a set receipt = $3 from row r where a.delivery_id = r.id and a.number = $2
      ), moved as (
        update deliveries d set confirm_at = null,
          fence = case when r.reopens then d.fence + 1 else d.fence end,
          told = case when r.reopens then 'nothing' else d.told end,
          delivered_revision = case when r.reopens then least(d.delivered_revision, $4) else d.delivered_revision end,
          first_accepted_at = case when not r.reopens then d.first_accepted_at end,
          state = case when not r.reopens then d.state when r.times >= $6 then 'failed' else 'retrying' end,
          reason = case when r.reopens then 'dropped' else d.reason end,
          tries = case when r.reopens then 0 else d.tries end,
          step_since = case when not r.reopens then d.step_since end,
          fallback_done = d.fallback_done and not r.reopens,
          next_attempt_at = case when r.reopens then now() else d.next_attempt_at end
        from row r where d.id = r.id
        returning d.incident_id, d.wanted_revision, d.destination, r.reopens and d.state = 'retrying' as again
      ), told as (
        insert into timeline (incident_id, revision, at, kind, summary, data)
        select incident_id, wanted_revision, now(), 'decision', $5,
          jsonb_build_object('decision', 'dropped', 'destination', destination, 'delivery', $1::text, 'number', $2::int) from moved
      )
      select again from moved`,
    values: [asked.id, asked.number, JSON.stringify(receipt), asked.coversFrom - 1, summary, triesMax],
  });
  return rows[0]?.again ?? false;
}
