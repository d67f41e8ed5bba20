/** What must hold after the story: each expectation with what was found, so that a failure explains itself. */
import { isDeepStrictEqual } from 'node:util';
import { REGISTRIES } from './estate.ts';
import { cardsAbout, mailsAbout, outcomesAt, threadOf, type Evidence } from './evidence.ts';
import { countsInWords } from './say.ts';
import { CORRECTED_START, FIRST_START, MAINTENANCE, OUTAGE } from './story.ts';

export interface Verdict {
  ok: boolean;
  /** What holds, in words; for a failure also what was found. */
  text: string;
}

/** Judges everything; never stops at the first failure. */
export function judge(evidence: Evidence): Verdict[] {
  return [
    received,
    incident,
    doors,
    estate,
    seen,
    pagerduty,
    servicenow,
    teams,
    mail,
    webhook,
    opsgenie,
    others,
  ].flatMap((group) => group(evidence));
}

function same(text: string, found: unknown, wanted: unknown): Verdict {
  const ok = isDeepStrictEqual(found, wanted);
  return {
    ok,
    text: ok ? text : `${text}\n      wanted ${JSON.stringify(wanted)}\n      found  ${JSON.stringify(found)}`,
  };
}

function received({ performance }: Evidence): Verdict[] {
  const odd = performance.scenes.filter(({ scene, outcomes }) => !sameCounts(outcomes, scene.outcomes));
  const told = odd.map(
    ({ scene, outcomes }) => `${scene.says}: ${countsInWords(outcomes)}, not ${countsInWords(scene.outcomes)}`,
  );
  const scattered = performance.scenes.filter(({ incidents }) => incidents.length !== 1);
  return [
    same('receivers: every signal has the outcome that the story asks for, and every webhook the answer 202', told, []),
    same(
      'receivers: all signals of a scene fall on one incident',
      scattered.map(({ scene }) => scene.says),
      [],
    ),
  ];
}

function incident({ of }: Evidence): Verdict[] {
  const { incident: seen, timeline } = of('outage');
  const posts = timeline.filter((entry) => entry.kind === 'communication');
  return [
    same('incident: one, with 25 subscriptions', [seen.trackingId, seen.subscriptions.length], [OUTAGE, 25]),
    same('incident: resolved, though a post from before arrived after the end', seen.state, 'resolved'),
    same(
      `incident: start of impact is ${CORRECTED_START}, not the ${FIRST_START} of the first post`,
      seen.startedAt?.slice(11, 16),
      CORRECTED_START,
    ),
    same(
      'incident: seven communications on the timeline, however many subscriptions and doors brought them',
      posts.length,
      7,
    ),
    same(
      'incident: one of them is marked as late',
      posts.filter((entry) => entry.data['late'] === true).map((entry) => entry.at.slice(11, 16)),
      ['08:40'],
    ),
  ];
}

function doors({ cast, of, performance }: Evidence): Verdict[] {
  const { incident: seen } = of('outage');
  const told = seen.provenance.map(({ source, schema }) => `${source} ${schema}`);
  const first = performance.scenes.find(({ scene }) => scene.door === 'activity' && scene.outcomes['updated'] === 1);
  const late = cast.webhook.requests.filter((request) => request.body.includes('"late":true'));
  return [
    same(
      'doors: webhook, two hubs and back-fill fell on the same incident; its scope says who brought it',
      distinct(told),
      ['activity activity-log', 'alerts common', 'azure classic', 'azure common', 'backfill backfill'],
    ),
    same(
      'doors: the post that the export brought before the webhooks was told once',
      [
        first?.outcomes,
        cardsAbout(cast, OUTAGE).filter((text) => text.includes('regional token service. Pulls')).length,
      ],
      [{ updated: 1, duplicate: 9 }, 1],
    ),
    same('doors: the post that only back-fill found was told once, marked as late', late.length, 1),
    same(
      'doors: the line to the hubs broke in the middle; what was sent after it arrived as well, once',
      [
        performance.scenes.some(({ scene }) => scene.hubsCut),
        performance.scenes.find(({ scene }) => scene.door === 'alerts')?.outcomes,
      ],
      [true, { duplicate: 10 }],
    ),
  ];
}

function distinct(words: readonly string[]): string[] {
  return [...new Set(words)].sort();
}

function estate({ cast, impact }: Evidence): Verdict[] {
  const named = cardsAbout(cast, OUTAGE).map((card) => /Our resources\W+(\d+) regist/.exec(plain(card))?.[1] ?? 'none');
  return [
    same(
      'estate: one registry of ours is hit at home and one by its replica, the third is not',
      [impact.known, distinct(impact.hits.map(({ id }) => id.split('/').at(-1) ?? ''))],
      [true, [REGISTRIES.home, REGISTRIES.replica].sort()],
    ),
    same('estate: cards count them, one at first and two since North Europe joined', named.slice(0, 4), [
      '1',
      '1',
      '1',
      '2',
    ]),
  ];
}

/** Evidence: what metrics and logs say of our own registries. */
function seen({ cast, evidence, of, page }: Evidence): Verdict[] {
  const card = plain(cardsAbout(cast, OUTAGE)[1] ?? '');
  const moved = evidence.resources.find(({ name }) => name === REGISTRIES.replica)?.serving?.moved;
  return [
    same(
      'evidence: both registries were hit, one by its pulls, one where its replica answered 503',
      Object.fromEntries(evidence.resources.map(({ name, verdict }) => [name, verdict])),
      { [REGISTRIES.home]: 'hit', [REGISTRIES.replica]: 'hit' },
    ),
    same(
      'evidence: a card says how many pulls failed, and how many in the same time before',
      [/acrstorefront hit: [\d,]+ of [\d,]+ pulls failed/.test(card), /in the same time before/.test(card)],
      [true, true],
    ),
    same('evidence: logs show that pulls moved', moved && [moved.from, moved.to, moved.at.slice(11, 16)], [
      'northeurope',
      'eastus',
      '09:35',
    ]),
    same(
      'evidence: looked at until the end, and the page draws it',
      [
        of('outage').timeline.some((entry) => entry.summary.startsWith('Evidence at the end')),
        page.text.includes('Chart of pulls'),
      ],
      [true, true],
    ),
  ];
}

function pagerduty({ cast: { pagerduty: server }, of }: Evidence): Verdict[] {
  const one = of('outage');
  return [
    same(`PagerDuty: ${one.signals} signals, 1 page`, server.pages, 1),
    same('PagerDuty: it is resolved, and nothing was refused or dropped', summary(server), ['resolved', 0, 0]),
    same(
      'PagerDuty: the line broke after it took the page; the repeat under the same key woke nobody',
      [outcomesAt(one, 'oncall').slice(0, 2), server.entries.slice(0, 2).map((entry) => entry.event)],
      [
        ['unknown', 'accepted'],
        ['trigger', 'trigger'],
      ],
    ),
    same(
      'PagerDuty: evidence and the root cause analysis are change events, not pages',
      server.changeEvents.map((entry) => /root cause analysis/i.test(entry.summary)),
      [false, false, true],
    ),
  ];
}

function summary(server: Evidence['cast']['pagerduty']): unknown[] {
  return [...server.alerts().map((alert) => alert.status), server.refusals.length, server.dropped.length];
}

function servicenow({ cast: { servicenow: server }, of }: Evidence): Verdict[] {
  const records = server.incidents();
  return [
    same(
      'ServiceNow: 1 record, in state resolved',
      records.map((record) => record.columns['state']),
      ['6'],
    ),
    same(
      'ServiceNow: created, five notes (two of them evidence), resolved, and the analysis as a note',
      server.entries.map((entry) => entry.kind),
      ['created', 'note', 'note', 'note', 'note', 'note', 'resolved', 'note'],
    ),
    same(
      'ServiceNow: it was away at first; the second try created the record',
      outcomesAt(of('outage'), 'itsm').slice(0, 2),
      ['retryable', 'accepted'],
    ),
  ];
}

function teams({ cast }: Evidence): Verdict[] {
  const cards = cardsAbout(cast, OUTAGE);
  const update = cards[3] ?? '';
  return [
    same(
      'Teams: one card per communication or piece of evidence, in order, the back-filled one marked',
      cards.map((card) => card.split('\n')[0]),
      ['Active', 'Active', 'Active', 'Active', 'Active', 'LATE · Active', 'RESOLVED', 'Root cause analysis'],
    ),
    same(
      'Teams: every card was posted',
      cast.teams.runs.flatMap((run) => run.faults),
      [],
    ),
    same(
      'Teams: cards name subscriptions with their teams, then the total',
      [/\w+-prod \(\w+\)/.test(plain(update)), update.includes('25 in all')],
      [true, true],
    ),
    same(
      'Teams: the update says that the start of impact has moved',
      new RegExp(`Start of impact moved: .*${FIRST_START} UTC → .*${CORRECTED_START} UTC`).test(plain(update)),
      true,
    ),
    same("Teams: Microsoft's HTML came out as Markdown", /<\/?(?:p|ul|li|em|strong)>/.test(update), false),
  ];
}

/** Without the escapes of Markdown. */
function plain(markdown: string): string {
  return markdown.replaceAll('\\', '');
}

function mail({ cast }: Evidence): Verdict[] {
  const mails = mailsAbout(cast, OUTAGE);
  return [
    same('mail: eight mails', mails.length, 8),
    same(
      'mail: one thread: the same subject and the same first reference',
      [
        new Set(mails.map((one) => one.mail.subject)).size,
        new Set(mails.map(threadOf)).size,
        mails.every((one) => threadOf(one) !== ''),
      ],
      [1, 1, true],
    ),
  ];
}

function webhook({ cast: { webhook: server } }: Evidence): Verdict[] {
  return [
    same(
      'webhook: signed, in order, none twice',
      [server.events.map((event) => event.body.data.action), server.refusals, server.duplicates],
      [['open', 'note', 'update', 'update', 'note', 'update', 'resolve', 'note'], [], []],
    ),
  ];
}

function opsgenie({ cast: { opsgenie: server }, of }: Evidence): Verdict[] {
  const alerts = server.alerts();
  return [
    same(
      'Opsgenie: the storefront team is paged once for the outage and once for its own alert, both closed',
      alerts.map((alert) => [alert.message.includes(OUTAGE), alert.status]),
      [
        [true, 'closed'],
        [false, 'closed'],
      ],
    ),
    same('Opsgenie: no call was refused or without effect', [server.refusals, server.dropped.length], [[], 0]),
    same(
      'Opsgenie: 2 signals of the metric alert, 1 incident, resolved',
      [of('alert').signals, of('alert').incident.state],
      [2, 'resolved'],
    ),
  ];
}

function others({ cast, of, cases, page }: Evidence): Verdict[] {
  const maintenance = of('maintenance');
  const unknown = of('unknown');
  const unsettled = cases.flatMap(({ deliveries }) =>
    deliveries.filter((one) => one.attempts.at(-1)?.receipt === null).map((one) => one.destination),
  );
  return [
    same(
      'maintenance: planned, one card and one mail, no page',
      [
        maintenance.incident.state,
        cardsAbout(cast, MAINTENANCE).length,
        mailsAbout(cast, MAINTENANCE).length,
        maintenance.deliveries.map((one) => one.destination).sort(),
      ],
      ['planned', 1, 1, ['channel', 'mail']],
    ),
    same(
      'unknown shape: two bodies kept, one mail',
      [unknown.incident.kind, unknown.signals, mailsAbout(cast, 'Unrecognised').length],
      ['unrecognised', 2, 1],
    ),
    same(
      'page: opens without log-in on this machine and tells the story to the end',
      [page.status, page.text.includes(OUTAGE), page.text.includes('Post Incident Review')],
      [200, true, true],
    ),
    same('receipts: every delivery ends with an accepted attempt and what the vendor answered', unsettled, []),
  ];
}

/** A word that is not counted and one that is counted zero times are the same. */
function sameCounts(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): boolean {
  return Object.keys({ ...a, ...b }).every((word) => (a[word] ?? 0) === (b[word] ?? 0));
}
