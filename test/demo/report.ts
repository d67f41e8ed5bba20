/** The report: what was received, what it was folded into, what was sent with which receipt, and the sum of it. */
import { DESTINATIONS, type DestinationName } from './cast.ts';
import { DOORS } from './doors.ts';
import { cardsAbout, mailsAbout, threadOf, type Case, type Evidence } from './evidence.ts';
import type { Verdict } from './expectations.ts';
import type { SeenAttempt } from './relay-client.ts';
import { countsInWords, type Say } from './say.ts';
import { OUTAGE } from './story.ts';

const RECEIPT_CHARS_MAX = 80;
/** What a person can look up at the vendor, most telling first; other fields of a receipt are left to the API. */
const TELLING = ['number', 'event', 'call', 'dedupKey', 'alias', 'messageId', 'webhookId', 'workflowRunId', 'note'];

/** Writes everything but the verdicts. */
export function report(evidence: Evidence, say: Say): void {
  const { performance } = evidence;
  say.heading('Received and folded');
  say.table(
    ['signals', 'incident', 'state', 'rev', 'subs', 'headline'],
    evidence.cases.map(({ signals, incident }) => [
      String(signals),
      incident.trackingId ?? incident.kind,
      incident.state,
      String(incident.revision),
      String(incident.subscriptions.length),
      cut(incident.headline, 90),
    ]),
  );
  const all: Record<string, number> = {};
  for (const { outcomes } of performance.scenes)
    for (const [word, n] of Object.entries(outcomes)) all[word] = (all[word] ?? 0) + n;
  say.line(`Outcomes: ${countsInWords(all)}`);
  say.line(`Doors: ${countsInWords(signalsByDoor(evidence))}`);
  say.line(`Our resources: ${evidence.impact.summary}`);
  say.line(`Evidence: ${evidence.evidence.summary}`);

  say.heading('Sent, with receipts');
  say.table(
    ['incident', 'destination', 'step', 'revision', 'outcome', 'receipt'],
    evidence.cases.flatMap((one) => attemptRows(one)),
  );

  say.heading('In sum');
  const outage = evidence.of('outage');
  say.line(
    `${outage.signals} signals about ${OUTAGE} from ${outage.incident.subscriptions.length} subscriptions became:`,
  );
  say.table(['destination', 'vendor', 'what people got'], sums(evidence));
  if (performance.firstPageMs !== null)
    say.line(`The page was out ${performance.firstPageMs} ms after Azure's first request.`);
}

/** Every expectation on a line of its own, then the count. */
export function reportVerdicts(verdicts: readonly Verdict[], say: Say): void {
  say.heading('Expectations');
  for (const { ok, text } of verdicts) say.verdict(ok, text);
  const failed = verdicts.filter((verdict) => !verdict.ok).length;
  say.line(failed === 0 ? `All ${verdicts.length} hold.` : `${failed} of ${verdicts.length} do not hold.`);
}

function signalsByDoor({ performance }: Evidence): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { scene } of performance.scenes)
    if (scene.bodies.length > 0) counts[DOORS[scene.door]] = (counts[DOORS[scene.door]] ?? 0) + scene.bodies.length;
  return counts;
}

function attemptRows({ incident, deliveries }: Case): string[][] {
  return deliveries.flatMap(({ destination, attempts }) =>
    attempts.map((attempt) => [
      incident.trackingId ?? incident.kind,
      destination,
      attempt.action,
      attempt.covers[0] === attempt.covers[1] ? String(attempt.covers[0]) : attempt.covers.join('-'),
      attempt.outcome ?? 'none',
      receiptOf(attempt),
    ]),
  );
}

function receiptOf({ receipt, reason, status }: SeenAttempt): string {
  if (receipt === null) return [reason ?? '', status ?? ''].join(' ').trim();
  const facts = TELLING.filter((name) => (receipt[name] ?? '') !== '').map(
    (name) => `${name} ${shorten(receipt[name])}`,
  );
  return cut([String(receipt['level']), ...facts].join(', '), RECEIPT_CHARS_MAX);
}

function shorten(value: unknown): string {
  const text = String(value);
  return /^[0-9a-f]{32,}$/.test(text) ? `${text.slice(0, 12)}...` : text;
}

function sums({ cast, of }: Evidence): string[][] {
  const record = cast.servicenow.incidents()[0];
  const notes = cast.servicenow.entries.filter((entry) => entry.kind === 'note').length;
  const mails = mailsAbout(cast, OUTAGE);
  const threads = new Set(mails.map(threadOf)).size;
  const got: Record<DestinationName, string> = {
    oncall: `${plural(cast.pagerduty.pages, 'page')}, ${cast.pagerduty.alerts()[0]?.status ?? 'none'}; evidence and analysis as ${plural(cast.pagerduty.changeEvents.length, 'change event')}, no page`,
    itsm: `${plural(cast.servicenow.creates, 'record')} ${record?.columns['number'] ?? ''}, ${plural(notes, 'note')}, resolved`,
    channel: plural(cardsAbout(cast, OUTAGE).length, 'card'),
    mail: `${plural(threads, 'thread')} of ${plural(mails.length, 'mail')}, References ${cut(mails[0] ? threadOf(mails[0]) : 'none', 40)}`,
    hook: plural(cast.webhook.events.length, 'signed event'),
    jsm: `${plural(cast.opsgenie.alerts().filter((alert) => alert.message.includes(OUTAGE)).length, 'page')} for the storefront team, closed`,
  };
  return of('outage').deliveries.map(({ destination }) => {
    const name = destination as DestinationName;
    return [destination, DESTINATIONS[name], got[name]];
  });
}

function plural(n: number, word: string): string {
  return `${n} ${word}${n === 1 ? '' : 's'}`;
}

function cut(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : `${text.slice(0, charsMax - 3)}...`;
}
