/** The story: an outage of Container Registry as Azure tells it, and what else comes in meanwhile. */
import { SUBSCRIPTIONS, type DemoSubscription } from './config.ts';
import { classicBody, commonBody, metricBody, unknownBody, type Post } from './payloads.ts';
import type { DestinationName } from './cast.ts';

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
  bodies: readonly unknown[];
  /** What the receiver answers to them, counted. */
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
const MONITORING =
  'Automated monitoring has detected a drop in successful image pulls (manifest and blob requests) in West Europe, ' +
  'starting at about 08:12 UTC. Pulls may fail with HTTP 503 or time out. The next update follows within 60 minutes.';
const REMEDIATION =
  'An automated remediation is restarting unhealthy instances of the regional token service. Pulls of images that ' +
  'nodes hold already are not affected.';
const ENGINEERS =
  '<p><strong>Current status:</strong> Our engineers are engaged. The restart was not enough; a recent configuration ' +
  'change to the token service is being rolled back. We now see first failures in <em>North Europe</em> too.</p>' +
  '<p><br></p><p><strong>What you may see:</strong></p><ul><li>Docker clients report <code>unexpected status: 503</code>' +
  '</li><li>AKS nodes report <code>ImagePullBackOff</code></li></ul><p>On review the impact began at 08:05 UTC, earlier ' +
  'than posted. See <a href="https://status.example.com/cnt1" target="_blank">guidance</a>.</p>';
const MITIGATED =
  '<p><strong>Summary of impact:</strong> Between 08:05 and 10:17 UTC pulls from Container Registry in West Europe and ' +
  'North Europe may have failed.</p><p><strong>Mitigation:</strong> The change was rolled back and error rates are normal ' +
  'again.</p>';
const REVIEW =
  '<p><strong>Preliminary Post Incident Review</strong></p><p>What went wrong: a connection limit of the token service ' +
  'was lowered by mistake.</p><p>What we change: deployment gates compare limits with live load.</p>';
const EARLY_NOTICE = 'We are aware of reports about image pulls in West Europe and are looking into them.';
const UPKEEP =
  '<p>Storage of Container Registry in North Europe is being maintained. Expect two interruptions of under 30 seconds.</p>';

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
  const detected = toAll(outage(1, '08:31', { text: MONITORING }));
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
  const scene = (subject: Subject, rest: Omit<Scene, 'subject' | 'told'>): Scene => ({
    subject,
    told: TOLD[subject],
    ...rest,
  });
  return [
    scene('outage', {
      when: 'day 1 08:31',
      says: 'degradation detected, posted to every subscription',
      bodies: detected,
      outcomes: { opened: 1, updated: detected.length - 1 },
    }),
    scene('alert', {
      when: 'day 1 08:38',
      says: 'own metric alert: pods not ready on an AKS cluster',
      bodies: [metricBody({ ...cluster, condition: 'Fired', resolvedAt: null })],
      outcomes: { opened: 1 },
    }),
    scene('outage', {
      when: 'day 1 08:52',
      says: 'automated remediation under way',
      bodies: toAll(outage(2, '08:52', { text: REMEDIATION })),
      outcomes: { updated: 1, duplicate: 24 },
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
      bodies: toAll(outage(3, '09:28', { text: ENGINEERS, ...corrected })),
      outcomes: { updated: 1, duplicate: 24 },
    }),
    scene('outage', {
      when: 'day 1 09:29',
      says: 'Azure repeats a request, byte for byte',
      bodies: [detected[0]],
      outcomes: { duplicate: 1 },
    }),
    scene('unknown', {
      when: 'day 1 10:00',
      says: 'two bodies of a shape that nobody knows',
      bodies: [unknownBody(41), unknownBody(42)],
      outcomes: { unrecognised: 2 },
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
