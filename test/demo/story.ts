/** The story: an outage of Container Registry as Azure tells it, and what else comes in meanwhile. */
import { SUBSCRIPTIONS, type DemoSubscription } from './config.ts';
import type { DestinationName } from './cast.ts';
import type { Door } from './doors.ts';
import { historyOf, REGISTRIES } from './estate.ts';
import { classicBody, commonBody, exportBody, metricBody, unknownBody, type Post } from './payloads.ts';
import { EARLY_NOTICE, ENGINEERS, MITIGATED, MONITORING, REMEDIATION, REVIEW, ROLLBACK, UPKEEP } from './texts.ts';

export const OUTAGE = 'CNT1-0AR';
export const MAINTENANCE = 'MNT3-5RS';
/** Start of impact: as first posted, and as corrected later. */
export const FIRST_START = '08:12';
export const CORRECTED_START = '08:05';

export type Subject = 'outage' | 'alert' | 'maintenance' | 'unknown';

export interface Scene {
  subject: Subject;
  /** Azure's clock, for the reader. */
  when: string;
  /** What happens, in a few words. */
  says: string;
  door: Door;
  /** Of the incident, where a door does not answer with it. */
  trackingId: string;
  /** The relay's connections to the hubs are cut just before. */
  hubsCut?: boolean;
  /** The registry of which metrics and logs tell from now on; for the door `evidence`. */
  reveals?: string;
  /** One per signal. */
  bodies: readonly unknown[];
  /** What becomes of them, counted. */
  outcomes: Readonly<Record<string, number>>;
  /** Destinations that have been told everything of this incident afterwards. */
  told: readonly DestinationName[];
}

const TOLD: Record<Subject, readonly DestinationName[]> = {
  outage: ['oncall', 'itsm', 'channel', 'mail', 'hook', 'jsm'],
  alert: ['jsm', 'channel'],
  maintenance: ['channel', 'mail'],
  unknown: ['mail'],
};

const DAY_MS = 86_400_000;
/** The scenes in order. The outage began four days ago, so that its review lies in the past as well. */
export function scenesOf(now: Date): Scene[] {
  const day = Math.floor((now.getTime() - 4 * DAY_MS) / DAY_MS) * DAY_MS;
  const at = (clock: string, days = 0): Date => {
    const [hours = 0, minutes = 0] = clock.split(':').map(Number);
    return new Date(day + days * DAY_MS + (hours * 60 + minutes) * 60_000);
  };
  const outage = (number: number, clock: string, rest: Partial<Post>): Post => ({
    trackingId: OUTAGE,
    number,
    type: 'Incident',
    stage: 'Active',
    at: at(clock),
    title: 'Container Registry - West Europe - Image pulls fail',
    text: '',
    level: 'Error',
    service: 'Container Registry',
    regions: ['West Europe'],
    startedAt: at(FIRST_START),
    mitigatedAt: null,
    ...rest,
  });
  const corrected = { startedAt: at(CORRECTED_START), regions: ['West Europe', 'North Europe'] };
  const ended = { ...corrected, mitigatedAt: at('10:17') };
  const detection = outage(1, '08:31', { text: MONITORING });
  const remediation = outage(2, '08:52', { text: REMEDIATION });
  const engaged = outage(3, '09:28', { text: ENGINEERS, ...corrected });
  const rollback = outage(7, '10:02', { text: ROLLBACK, ...corrected });
  const detected = toAll(detection);
  const cluster = { subscription: SUBSCRIPTIONS[0]!, firedAt: at('08:38') };
  const planned: Post = {
    ...outage(1, '09:05', { text: UPKEEP, regions: ['North Europe'], level: 'Informational' }),
    trackingId: MAINTENANCE,
    type: 'Maintenance',
    stage: 'Planned',
    title: 'Container Registry - North Europe - Scheduled maintenance',
    startedAt: at('01:00', 18),
    mitigatedAt: at('05:00', 18),
  };
  const scene = (
    subject: Subject,
    rest: Omit<Scene, 'subject' | 'told' | 'door' | 'trackingId'> & { door?: Door },
  ): Scene => ({
    subject,
    told: TOLD[subject],
    door: 'webhook',
    trackingId: OUTAGE,
    ...rest,
  });
  return [
    scene('outage', {
      when: 'day 1 08:31',
      says: 'degradation detected, posted to every subscription',
      bodies: detected,
      outcomes: { opened: 1, updated: detected.length - 1 },
    }),
    scene('outage', {
      when: 'day 1 08:36',
      says: 'did it hit us? the metrics of our registry in West Europe tell',
      door: 'evidence',
      reveals: REGISTRIES.home,
      bodies: [],
      outcomes: {},
    }),
    scene('alert', {
      when: 'day 1 08:38',
      says: 'own metric alert: pods not ready on an AKS cluster',
      bodies: [metricBody({ ...cluster, condition: 'Fired', resolvedAt: null })],
      outcomes: { opened: 1 },
    }),
    scene('outage', {
      when: 'day 1 08:40',
      says: 'the export of the activity log brings the same detection once more',
      door: 'activity',
      bodies: SUBSCRIPTIONS.map((subscription) => exportBody(detection, subscription)),
      outcomes: { duplicate: 25 },
    }),
    scene('outage', {
      when: 'day 1 08:52',
      says: 'automated remediation under way: the export is first this time',
      door: 'activity',
      bodies: SUBSCRIPTIONS.slice(0, 10).map((subscription) => exportBody(remediation, subscription)),
      outcomes: { updated: 1, duplicate: 9 },
    }),
    scene('outage', {
      when: 'day 1 08:53',
      says: 'connections to the hubs are cut; the webhooks follow with what is known already',
      hubsCut: true,
      bodies: toAll(remediation),
      outcomes: { duplicate: 25 },
    }),
    scene('maintenance', {
      when: 'day 1 09:05',
      says: 'a planned maintenance is announced',
      bodies: [commonBody(planned, SUBSCRIPTIONS[3]!)],
      outcomes: { opened: 1 },
    }),
    scene('outage', {
      when: 'day 1 09:28',
      says: 'engineers engaged (HTML), start corrected, one more region',
      bodies: toAll(engaged),
      outcomes: { updated: 1, duplicate: 24 },
    }),
    scene('outage', {
      when: 'day 1 09:28',
      says: 'action groups that cannot reach a webhook send the same to their hub',
      door: 'alerts',
      bodies: SUBSCRIPTIONS.slice(10, 20).map((subscription) => commonBody(engaged, subscription)),
      outcomes: { duplicate: 10 },
    }),
    scene('outage', {
      when: 'day 1 09:29',
      says: 'Azure repeats a request, byte for byte',
      bodies: [detected[0]],
      outcomes: { duplicate: 1 },
    }),
    scene('outage', {
      when: 'day 1 09:41',
      says: 'a registry with a replica in North Europe: logs show where its pulls went',
      door: 'evidence',
      reveals: REGISTRIES.replica,
      bodies: [],
      outcomes: {},
    }),
    scene('unknown', {
      when: 'day 1 10:00',
      says: 'two bodies of a shape that nobody knows',
      bodies: [unknownBody(41), unknownBody(42)],
      outcomes: { unrecognised: 2 },
    }),
    scene('outage', {
      when: 'day 1 10:02',
      says: 'a post that Azure could not deliver: the relay fetches it, marked LATE',
      door: 'backfill',
      bodies: [historyOf([detection, remediation, engaged, rollback])],
      outcomes: { updated: 1 },
    }),
    scene('outage', {
      when: 'day 1 10:46',
      says: 'mitigated: stage Resolved (the alert itself still says Fired)',
      bodies: toAll(outage(4, '10:46', { text: MITIGATED, stage: 'Resolved', ...ended })),
      outcomes: { resolved: 1, duplicate: 24 },
    }),
    scene('outage', {
      when: 'day 1 08:40',
      says: 'a post from the beginning arrives only now',
      bodies: [classicBody(outage(5, '08:40', { text: EARLY_NOTICE }), SUBSCRIPTIONS[7]!)],
      outcomes: { noted: 1 },
    }),
    scene('alert', {
      when: 'day 1 10:49',
      says: 'the metric alert resolves',
      bodies: [metricBody({ ...cluster, condition: 'Resolved', resolvedAt: at('10:49') })],
      outcomes: { resolved: 1 },
    }),
    scene('outage', {
      when: 'day 4 15:02',
      says: 'root cause analysis, three days later',
      bodies: toAll({
        ...outage(6, '15:02', { text: REVIEW, stage: 'RCA', level: 'Informational', ...ended }),
        at: at('15:02', 3),
        title: 'Preliminary PIR - Container Registry - West Europe - Image pulls fail',
      }),
      outcomes: { noted: 1, duplicate: 24 },
    }),
  ];
}

/** One body per subscription: one half of the action groups speaks the common schema, the other the classic form. */
function toAll(post: Post): unknown[] {
  return SUBSCRIPTIONS.map((subscription: DemoSubscription, index) =>
    index % 2 === 0 ? classicBody(post, subscription) : commonBody(post, subscription),
  );
}
