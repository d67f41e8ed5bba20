/** The promises that hold whatever was done to the relay: what was accepted is on the record and told, nobody was woken twice. */
import type { Part } from './cast.ts';
import type { Context } from './scenario.ts';
import type { Delivery, Sender } from './sender.ts';
import type { Stage } from './stage.ts';
import type { Sent } from './traffic.ts';
import { until } from './scenario.ts';

const REPEAT = /\bREPEAT\b/;

/** By tracking ID, in order. */
export function idsOf(sent: readonly Sent[]): string[] {
  return [...new Set(sent.map((one) => one.trackingId))];
}

/** Every signal that was answered with 202 is on a timeline, its communication once; returns how many are not. */
export async function checkRecord(context: Context, sender: Sender, sent: readonly Sent[]): Promise<void> {
  const accepted = sent.filter((one) => one.answer.status === 202);
  context.promise(
    'a sender that repeats is taken in the end',
    accepted.length === sent.length,
    sent.find((one) => one.answer.status !== 202)?.answer,
  );
  const lost: string[] = [];
  for (const [id, posts] of Map.groupBy(accepted, (one) => one.trackingId)) {
    const known = await sender.incident(id).catch(() => null);
    const timeline = known === null ? [] : await sender.timeline(id);
    const told = timeline
      .filter((entry) => entry.kind === 'communication')
      .map((entry) => String(entry.data['communicationId']));
    for (const post of posts) {
      const communicationId = `11000${id}${post.communication}`;
      if (!known?.subscriptions.includes(post.subscription) || !told.includes(communicationId))
        lost.push(`${id} communication ${post.communication} of ${post.subscription}`);
    }
    context.promise('a communication is one entry of the timeline', told.length === new Set(told).size, { id, told });
  }
  context.add('lost', lost.length);
  context.promise('what was answered with 202 is on a timeline', lost.length === 0, lost.slice(0, 5));
}

/** Waits until every delivery of these incidents is level and returns them by tracking ID. */
export async function waitLevel(
  context: Context,
  stage: Stage,
  options: { sender: Sender; ids: readonly string[]; limitMs?: number },
): Promise<Map<string, Delivery[]>> {
  const { sender, ids, limitMs = 40_000 } = options;
  const end = performance.now() + limitMs;
  const found = new Map<string, Delivery[]>();
  const late: unknown[] = [];
  let givenUp = 0;
  for (const id of ids) {
    const level = await until(
      async () => {
        found.set(id, await sender.deliveries(id).catch(() => []));
        return found.get(id)!.length === stage.parts.length && found.get(id)!.every((one) => isLevel(one));
      },
      Math.max(1_000, end - performance.now()),
      40,
    );
    if (level) continue;
    const behind = found.get(id)!.filter((one) => !isLevel(one));
    const lost = behind.filter((one) => !isGivenUp(one));
    givenUp += behind.length - lost.length;
    if (lost.length > 0 || behind.length === 0)
      late.push({ id, deliveries: lost.map(({ attempts, ...rest }) => ({ ...rest, last: attempts.slice(-2) })) });
  }
  if (givenUp > 0) context.figure('given up after two tries without an answer', givenUp);
  for (const [id, deliveries] of found)
    for (const one of deliveries.filter((delivery) => isGivenUp(delivery)))
      await checkNews(context, sender, { id, one });
  context.add('lost', late.length);
  const destinations = late.length > 0 ? (await sender.call('GET', '/v1/destinations')).text : '';
  context.promise('every wanted delivery becomes level', late.length === 0, { late: late.slice(0, 3), destinations });
  return found;
}

function isLevel(one: Delivery): boolean {
  return one.state === 'delivered' && one.deliveredRevision === one.wantedRevision;
}

/** A vendor that can neither dedup nor be asked got the step twice and answered neither: not a third time (design 3.5). */
function isGivenUp(one: Delivery): boolean {
  const unanswered = one.attempts.filter((attempt) => attempt.outcome === 'unknown').length;
  return one.state === 'failed' && unanswered >= 2 && ['teams', 'email', 'slack'].includes(one.type);
}

/** What could not be told is news itself, for everyone else (design 3.7): the relay stops, but never silently. */
async function checkNews(context: Context, sender: Sender, { id, one }: { id: string; one: Delivery }): Promise<void> {
  const told = await until(
    async () =>
      (await sender.timeline(id).catch(() => [])).some((entry) =>
        entry.summary.includes(`${one.destination} was not reached`),
      ),
    15_000,
  );
  context.promise('what was given up is news on the timeline', told, { id, destination: one.destination });
}

/** Nobody is woken twice, nothing is told out of order, and what comes twice says so. */
export function checkVendors(
  context: Context,
  stage: Stage,
  options: { ids: readonly string[]; deliveries: ReadonlyMap<string, Delivery[]>; over?: boolean },
): void {
  const { ids, deliveries, over = true } = options;
  const { pager, genie, snow, hook } = stage.cast;
  const has = (part: Part): boolean => stage.parts.includes(part);
  let duplicates = 0;
  const twice = (what: string, words: string, count: number): void => {
    duplicates += Math.max(0, count - 1);
    context.promise(words, count <= 1, `${what}: ${count}`);
  };
  for (const id of ids) {
    if (has('pager')) {
      const alerts = pager.alerts().filter((alert) => alert.title.includes(id));
      twice(id, 'PagerDuty: one page per open period', alerts.length);
      const told = alerts.length > 0 || pager.changeEvents.some((event) => event.summary.includes(id));
      context.promise('PagerDuty: every incident was told', told, id);
      if (over)
        context.promise(
          'PagerDuty: what is over is resolved',
          alerts.every((alert) => alert.status === 'resolved'),
          id,
        );
    }
    if (has('genie')) {
      const alerts = genie.alerts().filter((alert) => alert.message.includes(id) || alert.description.includes(id));
      twice(id, 'Opsgenie: one alert per open period', alerts.length);
      if (over)
        context.promise(
          'Opsgenie: what is over is closed',
          alerts.every((alert) => alert.status === 'closed'),
          id,
        );
    }
    if (has('snow')) {
      const rows = snow
        .incidents()
        .filter((row) => `${row.columns['short_description']}${row.columns['description']}`.includes(id));
      twice(id, 'ServiceNow: one ticket per incident', rows.length);
      context.promise('ServiceNow: every incident has its ticket', rows.length > 0, id);
      if (over)
        context.promise(
          'ServiceNow: what is over is resolved',
          rows.every((row) => row.columns['state'] === '6'),
          id,
        );
    }
    if (has('hook')) {
      const revisions = hook.events
        .filter((event) => event.body.data.incident.headline.includes(id))
        .map((event) => Number(event.body.data.incident['revision']));
      context.promise(
        'webhook: in order, each step once',
        revisions.every((revision, i) => i === 0 || revision >= revisions[i - 1]!),
        { id, revisions },
      );
    }
    for (const part of ['teams', 'smtp'] as const)
      if (has(part))
        checkStream(context, {
          id,
          texts: textsOf(stage, part).filter((text) => text.includes(id)),
          part,
          deliveries: deliveries.get(id) ?? [],
        });
  }
  context.add('duplicates', duplicates);
}

function textsOf(stage: Stage, part: 'teams' | 'smtp'): string[] {
  if (part === 'teams') return stage.cast.teams.cards.map((card) => card.text);
  return stage.cast.smtp.mails.map(({ mail }) => `${mail.subject ?? ''}\n${mail.text ?? ''}`);
}

/** Cards or mails of one incident: communications in order, a second copy only where a try went unanswered, and marked. */
function checkStream(
  context: Context,
  stream: { id: string; texts: string[]; part: 'teams' | 'smtp'; deliveries: Delivery[] },
): void {
  const { id, texts, part, deliveries } = stream;
  const numbers = texts.map((text) => Number(new RegExp(`Communication (\\d+) of ${id}`).exec(text)?.[1] ?? 0));
  const ordered = numbers.filter((n) => n > 0);
  context.promise(
    `${part}: communications in order`,
    ordered.every((n, i) => i === 0 || n >= ordered[i - 1]!),
    { id, numbers },
  );
  const seen = new Set<number>();
  const copies = texts.filter((_, i) => {
    const again = seen.has(numbers[i]!);
    seen.add(numbers[i]!);
    return again && numbers[i]! > 0;
  });
  const unmarked = copies.filter((text) => !REPEAT.test(text));
  const type = part === 'teams' ? 'teams' : 'email';
  const unanswered = deliveries
    .filter((one) => one.type === type)
    .flatMap((one) => one.attempts)
    .filter((attempt) => attempt.outcome === 'unknown').length;
  context.add('repeats', copies.length);
  context.promise(`${part}: a repeat says that it is one`, unmarked.length === 0, {
    id,
    heads: texts.map((text, i) => `${numbers[i]} ${text.slice(0, 60)}`),
    attempts: deliveries
      .find((one) => one.type === type)
      ?.attempts.map((one) => `${one.action} ${one.covers.join('-')} ${one.outcome} ${one.reason} ${one.startedAt}`),
  });
  context.promise(`${part}: at most one repeat per try without an answer`, copies.length <= unanswered, {
    id,
    repeats: copies.length,
    unanswered,
  });
}

/** A kill, and when a new process answered; milliseconds of the clock. */
export interface Kill {
  killedMs: number;
  readyMs: number;
}

/**
 * From a kill to the next try of what the dead process held, milliseconds, with the kill. Tries that met another kill
 * before they came say nothing about one.
 */
export function heldRecoveries(
  deliveries: ReadonlyMap<string, Delivery[]>,
  kills: readonly Kill[],
): { waitedMs: number; kill: Kill }[] {
  const found: { waitedMs: number; kill: Kill }[] = [];
  for (const { attempts } of [...deliveries.values()].flat()) {
    for (const [i, attempt] of attempts.entries()) {
      const next = attempts[i + 1];
      if (attempt.reason !== 'crashed' || !next) continue;
      const [startedMs, nextMs] = [Date.parse(attempt.startedAt), Date.parse(next.startedAt)];
      const between = kills.filter(({ killedMs }) => killedMs >= startedMs && killedMs <= nextMs);
      if (between.length === 1) found.push({ waitedMs: nextMs - between[0]!.killedMs, kill: between[0]! });
    }
  }
  return found;
}
