/** Bodies to post, made to order and cheap to make: the generator must not be the bottleneck. */

export type Shape =
  /** Distinct incidents, one Service Health message each. */
  | 'distinct'
  /** One outage: 500 subscriptions x 6 communications. */
  | 'storm'
  /** Distinct alerts in Alertmanager's own webhook form. */
  | 'alertmanager';

const SUBSCRIPTIONS = 500;
const TEXT =
  'Starting at approximately 08:12 UTC a subset of customers using Container Registry may receive HTTP 5xx responses or time-outs when pulling images or requesting tokens. Engineers are investigating. The next update will be provided in 60 minutes.';
const IMPACTED = JSON.stringify(
  JSON.stringify([{ ImpactedRegions: [{ RegionName: 'West Europe' }], ServiceName: 'Container Registry' }]),
);

/** The body with this number, and the key by which the sink will know it. */
export function bodyOf(shape: Shape, n: number): { key: string; body: string } {
  if (shape === 'alertmanager') {
    const key = `B${n}`;
    return { key, body: JSON.stringify([{ labels: { alertname: 'bench', id: key }, annotations: { summary: TEXT } }]) };
  }
  if (shape === 'distinct')
    return {
      key: `B${n}`,
      body: serviceHealth(`B${n}`, { communication: 1, stage: 'Active', subscription: n % SUBSCRIPTIONS }),
    };
  const communication = Math.floor(n / SUBSCRIPTIONS) % 6;
  const stage = communication === 5 ? 'Resolved' : 'Active';
  return { key: 'STORM', body: serviceHealth('STORM', { communication, stage, subscription: n % SUBSCRIPTIONS }) };
}

function serviceHealth(
  trackingId: string,
  post: { communication: number; stage: string; subscription: number },
): string {
  const at = `2026-09-14T08:${String(10 + post.communication * 5).padStart(2, '0')}:00.0000000+00:00`;
  const subscription = `11111111-aaaa-4aaa-8aaa-${String(post.subscription).padStart(12, '0')}`;
  const text = JSON.stringify(`${TEXT} (${post.communication})`);
  return `{"schemaId":"Microsoft.Insights/activityLogs","data":{"status":"Activated","context":{"activityLog":{"channels":"Admin","correlationId":"c0ffee00-0000-4000-8000-000000000101","description":"Active: Container Registry - West Europe - Image pull failures","eventSource":"ServiceHealth","eventTimestamp":"${at}","eventDataId":"${trackingId}-${post.communication}-${post.subscription}","level":"Warning","operationName":"Microsoft.ServiceHealth/incident/action","operationId":"c0ffee00-0000-4000-8000-000000000101","properties":{"title":"Container Registry - West Europe - Image pull failures","service":"Container Registry","region":"West Europe","communication":${text},"incidentType":"Incident","trackingId":"${trackingId}","impactStartTime":"2026-09-14T08:12:00.0000000Z","impactedServices":${IMPACTED},"defaultLanguageTitle":"Container Registry - West Europe - Image pull failures","defaultLanguageContent":${text},"stage":"${post.stage}","communicationId":"11000${trackingId}${post.communication}","isHIR":"false","version":"0.1.1"},"status":"${post.stage === 'Resolved' ? 'Resolved' : 'Active'}","subscriptionId":"${subscription}","submissionTimestamp":"${at}"}},"properties":{}}}`;
}

/** What a diagnostic setting puts into a hub: one event with these records, each a distinct outage (azure-signals 4.2). */
export function exportOf(from: number, records: number): string {
  return JSON.stringify({ records: Array.from({ length: records }, (_, n) => exported(from + n)) });
}

function exported(n: number): Record<string, unknown> {
  const title = 'Container Registry - West Europe - Image pull failures';
  return {
    time: '2026-09-14T08:12:00.123Z',
    resourceId: `/SUBSCRIPTIONS/11111111-AAAA-4AAA-8AAA-${String(n % SUBSCRIPTIONS).padStart(12, '0')}`,
    correlationId: 'c0ffee00-0000-4000-8000-000000000301',
    operationName: 'Microsoft.ServiceHealth/incident/action',
    level: 'Warning',
    resultType: 'Active',
    category: 'ServiceHealth',
    properties: {
      eventCategory: 'ServiceHealth',
      eventProperties: {
        title,
        service: 'Container Registry',
        region: 'West Europe',
        communication: TEXT,
        incidentType: 'Incident',
        trackingId: `H${n}`,
        impactStartTime: '2026-09-14T08:12:00.0000000Z',
        impactedServices: JSON.parse(IMPACTED) as string,
        defaultLanguageTitle: title,
        defaultLanguageContent: TEXT,
        stage: 'Active',
        communicationId: `11000H${n}`,
        isHIR: 'false',
        version: '0.1.1',
      },
    },
  };
}
