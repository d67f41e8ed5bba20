/** What there is to judge after the play: the stand-ins' own state and what the API tells, gathered once. */
import { DESTINATIONS, type Cast } from './cast.ts';
import type { Performance } from './play.ts';
import type { SeenDelivery, SeenEntry, SeenEvidence, SeenImpact, SeenIncident } from './relay-client.ts';
import type { Stage } from './stage.ts';
import { OUTAGE, type Subject } from './story.ts';

export interface Case {
  subject: Subject;
  signals: number;
  incident: SeenIncident;
  deliveries: readonly SeenDelivery[];
  timeline: readonly SeenEntry[];
}

export interface Evidence {
  cast: Cast;
  performance: Performance;
  cases: readonly Case[];
  /** The outage's page, as a browser without any token gets it. */
  page: { status: number; text: string };
  /** What of ours the outage hits. */
  impact: SeenImpact;
  /** Whether that was seen in metrics and logs. */
  evidence: SeenEvidence;
  of: (subject: Subject) => Case;
}

/** Reads every incident of the play from the API. */
export async function gather(stage: Stage, performance: Performance): Promise<Evidence> {
  // The last look comes by the clock, some moments after the end.
  await stage.relay.said(OUTAGE, 'Evidence at the end');
  const cases: Case[] = [];
  for (const [subject, id] of performance.incidents) {
    const scenes = performance.scenes.filter(({ scene }) => scene.subject === subject);
    const [incident, deliveries, timeline] = await Promise.all([
      stage.relay.incident(id),
      stage.relay.deliveries(id),
      stage.relay.timeline(id),
    ]);
    const signals = scenes.reduce((sum, { scene }) => sum + scene.bodies.length, 0);
    const names = Object.keys(DESTINATIONS);
    deliveries.sort((a, b) => names.indexOf(a.destination) - names.indexOf(b.destination));
    cases.push({ subject, signals, incident, deliveries, timeline });
  }
  const of = (subject: Subject): Case => {
    const found = cases.find((one) => one.subject === subject);
    if (!found) throw new Error(`the play had no ${subject}`);
    return found;
  };
  const [page, impact, evidence] = await Promise.all([
    stage.relay.page(`/incidents/${OUTAGE}`),
    stage.relay.impact(OUTAGE),
    stage.relay.evidence(OUTAGE),
  ]);
  return { cast: stage.cast, performance, cases, page, impact, evidence, of };
}

/** The attempts at one destination, by outcome, oldest first. */
export function outcomesAt(one: Case, destination: string): string[] {
  const delivery = one.deliveries.find((d) => d.destination === destination);
  return (delivery?.attempts ?? []).map((attempt) => attempt.outcome ?? 'none');
}

/** Cards of one incident, oldest first. */
export function cardsAbout(cast: Cast, words: string): string[] {
  return cast.teams.cards.map((card) => card.text).filter((text) => text.includes(words));
}

/** Mails of one incident, oldest first. */
export function mailsAbout(cast: Cast, words: string): Cast['mail']['mails'] {
  return cast.mail.mails.filter(({ mail }) => (mail.subject ?? '').includes(words));
}

/** Id of the message that a mail says it belongs to. */
export function threadOf({ mail }: Cast['mail']['mails'][number]): string {
  return [mail.references ?? []].flat()[0] ?? '';
}
