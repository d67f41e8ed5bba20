/** Fills a database with a year of one million signals, set by set, as the relay itself would have left them. */
import type { Client } from 'pg';

export interface Seeded {
  incidents: number;
  signals: number;
  timeline: number;
}

/** Every 100th incident is an outage with 500 subscriptions and six posts; the rest are our own alerts with five signals each. */
const INCIDENTS = 100_000;
const FILL = [
  `create temporary table plan as select n, 'inc_seed' || lpad(n::text, 8, '0') as id, n % 100 = 0 as outage,
     now() - (${INCIDENTS} - n) * interval '5 minutes' as at, case when n > ${INCIDENTS - 300} then 'active' else 'resolved' end as state,
     'Service ' || n % 23 as service, 'Region ' || n % 37 as region,
     case when n % 100 = 0 then 'SEED-' || n else null end as tracking
   from generate_series(1, ${INCIDENTS}) n`,
  `insert into incidents (id, identity, episode, tracking_id, kind, state, severity, title, stage, headline, details, started_at, resolved_at, revision, posts, scope_count, first_seen_at, last_seen_at, place)
   select id, case when outage then 'sh/' || lower(tracking) else 'alert/seed-' || n end, 1, tracking, case when outage then 'outage' else 'alert' end, state, 'error',
     'Pulls of images fail, number ' || n, null, 'Pulls of images fail, number ' || n, '{}', at, case when state = 'resolved' then at + interval '2 hours' end,
     case when outage then 6 else 2 end, '[]', case when outage then 500 else 1 end, at, at + interval '2 hours',
     jsonb_build_object('impacts', jsonb_build_array(jsonb_build_object('service', service, 'region', region)),
       'subscriptions', (select jsonb_agg('00000000-0000-4000-8000-' || lpad(((n + s) % 5000)::text, 12, '0')) from generate_series(1, case when outage then 20 else 1 end) s),
       'resources', case when outage then '[]' else jsonb_build_array('/subscriptions/x/resourcegroups/g/providers/microsoft.containerregistry/registries/r' || n % 400) end,
       'subscriptionCount', case when outage then 500 else 1 end) from plan`,
  `insert into incident_scope (incident_id, key, subscription, service, region, resource, source, rule, schema, first_seen_at, incident_seen_at)
   select id, md5(id || s), '00000000-0000-4000-8000-' || lpad(((n + s) % 5000)::text, 12, '0'), service, region,
     case when outage then '' else '/subscriptions/x/resourcegroups/g/providers/microsoft.containerregistry/registries/r' || n % 400 end, 'prod', '', 'classic', at, at
   from plan, generate_series(1, case when outage then 500 else 1 end) s`,
  `insert into signals (id, fingerprint, source, schema, type, received_at, occurred_at, incident_id, outcome, title, raw)
   select 'sig_' || n || '_' || s, md5(n || '/' || s) || md5(s || '/' || n), 'prod', 'classic', 'service-health', at + s * interval '1 second', at, id,
     case when s = 1 then 'opened' else 'updated' end, 'Pulls of images fail', repeat('{"a":"' || md5(n::text) || '"}', 12)
   from plan, generate_series(1, case when outage then 505 else 5 end) s`,
  `insert into timeline (incident_id, revision, at, recorded_at, kind, summary, data)
   select id, r, at + r * interval '20 minutes', at + r * interval '20 minutes', case when outage then 'communication' else 'state' end, 'Update ' || r,
     jsonb_build_object('text', 'Engineers look into word' || n % 5000 || '. ' || repeat('The next update follows in an hour. ', 10))
   from plan, generate_series(1, case when outage then 6 else 2 end) r`,
  `insert into timeline (incident_id, revision, at, recorded_at, kind, summary, data)
   select id, r, at + r * interval '20 minutes', at + r * interval '20 minutes', 'attempt', 'oncall: accepted', '{"destination":"oncall","outcome":"accepted"}'
   from plan, generate_series(1, case when outage then 6 else 2 end) r`,
  `insert into deliveries (id, incident_id, destination, type, state, wanted_revision, delivered_revision, first_revision, told)
   select 'dlv_seed' || n, id, 'hook', 'webhook', 'delivered', case when outage then 6 else 2 end, case when outage then 6 else 2 end, 1, 'closed' from plan`,
  `insert into attempts (delivery_id, number, action, covers_from, covers_to, finished_at, outcome, status)
   select 'dlv_seed' || n, r, 'update', r, r, now(), 'accepted', 200 from plan, generate_series(1, case when outage then 6 else 2 end) r`,
];

/** Takes a minute or two. The statistics are fresh afterwards, as autovacuum would have them. */
export async function seed(db: Client): Promise<Seeded> {
  await db.query('set synchronous_commit = off');
  for (const statement of FILL) await db.query(statement);
  for (const table of ['incidents', 'incident_scope', 'signals', 'timeline', 'deliveries', 'attempts'])
    await db.query(`vacuum analyze ${table}`);
  const count = async (table: string): Promise<number> =>
    Number((await db.query<{ n: string }>(`select count(*) as n from ${table}`)).rows[0]!.n);
  return { incidents: await count('incidents'), signals: await count('signals'), timeline: await count('timeline') };
}
