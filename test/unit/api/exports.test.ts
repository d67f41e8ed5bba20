import { describe, expect, test } from 'vitest';
import { durationsOf } from '#src/core/clocks.ts';
import type { Entry, IncidentRecord } from '#src/api/incidents-record.ts';
import { csvText } from '#src/api/exports/csv.ts';
import { externalRecord } from '#src/api/exports/external.ts';
import { renderTimeline } from '#src/api/exports/render.ts';
import { condense } from '#src/api/exports/runs.ts';

const SUBSCRIPTION = '11111111-aaaa-4aaa-8aaa-000000000001';
const RESOURCE = `/subscriptions/${SUBSCRIPTION}/resourcegroups/rg-payments/providers/microsoft.containerregistry/registries/contosoprodacr`;
const NAMES = new Map([[SUBSCRIPTION, { name: 'Payments prod', team: 'payments-team', environment: 'prod' }]]);
const AT = '2026-09-14T08:31:00.000Z';

let row = 0;
function entry(change: Partial<Entry>): Entry {
  const data = {};
  const rest = { id: ++row, at: AT, recordedAt: AT, revision: 1, summary: 'x', changes: null };
  return { ...rest, kind: 'state', data, voice: 'relay', who: 'Health Relay', ...change };
}

function attempt(destination: string, outcome: string): Entry {
  return entry({
    kind: 'attempt',
    summary: `${destination}: open ${outcome}`,
    data: { destination, outcome, action: 'open' },
  });
}

const clocks = {
  impactStartedAt: AT,
  firstCommunicationAt: AT,
  firstSignalAt: AT,
  committedAt: AT,
  firstPageAt: AT,
  firstToldAt: AT,
  acknowledgedAt: AT,
  mitigatedAt: null,
  resolvedAt: null,
  reviewedAt: null,
};

const RECORD: IncidentRecord = {
  at: null,
  withheld: false,
  incident: {
    id: 'inc_1',
    identity: 'sh/cnt1-0ar',
    episode: 1,
    trackingId: 'CNT1-0AR',
    kind: 'outage',
    state: 'active',
    severity: 'error',
    title: 'Pulls | fail',
    headline: '[Outage] Pulls | fail <b> (CNT1-0AR)',
    stage: 'Active',
    startedAt: AT,
    mitigatedAt: null,
    resolvedAt: null,
    endsAt: null,
    closedAt: null,
    revision: 1,
    firstSeenAt: AT,
    lastSeenAt: AT,
    details: { Rule: 'secret-rule' },
    scopeCount: 1,
    impacts: [{ service: 'Container Registry', region: 'West Europe' }],
    subscriptions: [SUBSCRIPTION],
    subscriptionCount: 1,
    resources: [RESOURCE],
  },
  timeline: [
    entry({
      kind: 'communication',
      voice: 'microsoft',
      who: 'Microsoft',
      summary: 'Active: Pulls | fail',
      data: {
        communicationId: '1',
        stage: 'Active',
        title: 'Pulls | fail',
        rule: 'secret-rule',
        source: 'src-prod',
        text: `Pulls fail for ${SUBSCRIPTION}. # not a heading\n1. roll back`,
        html: `<p>Pulls fail for ${SUBSCRIPTION.toUpperCase()}.</p><script>alert(1)</script>`,
        subscription: SUBSCRIPTION,
      },
    }),
    attempt('oncall-team', 'accepted'),
    attempt('channel', 'accepted'),
    attempt('mail', 'retryable'),
    entry({
      kind: 'note',
      voice: 'person',
      who: 'Jane Doe',
      summary: 'Acknowledged by Jane Doe in PagerDuty',
      data: { author: 'Jane Doe', event: 'acknowledged', text: '' },
    }),
    entry({
      kind: 'note',
      voice: 'person',
      who: 'Sam Roe',
      summary: 'Note by Sam Roe: =cmd()',
      data: { author: 'Sam Roe', text: '=cmd() `rm` <i>' },
    }),
    entry({
      kind: 'scope',
      summary: 'Scope grew by 1 subscription',
      data: { subscriptions: [SUBSCRIPTION], source: 'src-prod' },
    }),
  ],
  deliveries: [
    {
      id: 'dlv_1',
      incidentId: 'inc_1',
      destination: 'oncall-team',
      type: 'pagerduty',
      state: 'delivered',
      wantedRevision: 1,
      deliveredRevision: 1,
      nextAttemptAt: AT,
      createdAt: AT,
      fallbackOf: null,
      reason: null,
      attempts: [
        {
          number: 1,
          action: 'open',
          covers: [1, 1],
          startedAt: AT,
          finishedAt: AT,
          outcome: 'accepted',
          reason: null,
          status: 202,
          detail: null,
          repeat: false,
          receipt: { level: 'accepted', dedupKey: 'key-1' },
        },
      ],
    },
  ],
  provenance: [],
  evidence: [],
  clocks: { ...clocks, durations: durationsOf(clocks) },
  related: [],
};

describe('for readers outside', () => {
  test.each(['markdown', 'csv', 'html'] as const)(
    'the %s holds no person, subscription, destination, resource or rule',
    (format) => {
      const record = externalRecord(RECORD, NAMES);
      const { body } = renderTimeline(record, { format, external: true, subscriptions: NAMES });
      expect(body).toContain('Pulls');
      const own = ['Jane Doe', 'Sam Roe', 'Payments prod', 'payments-team', 'oncall-team', 'channel', 'contosoprodacr'];
      for (const word of [...own, SUBSCRIPTION, 'secret-rule', 'src-prod', 'key-1', 'rg-payments'])
        expect(body.toLowerCase()).not.toContain(word.toLowerCase());
    },
  );

  test('nor does the JSON, and the acknowledgement stays without a name', () => {
    const text = JSON.stringify(externalRecord(RECORD, NAMES));
    for (const word of ['Jane', 'Sam Roe', SUBSCRIPTION, 'src-prod', 'oncall-team']) expect(text).not.toContain(word);
    expect(text).toContain('Acknowledged by our on-call');
  });
});

describe('the documents', () => {
  const options = { external: false, subscriptions: NAMES };

  test('in Markdown answer when, who was told and who acknowledged, and keep foreign text from becoming markup', () => {
    const { body } = renderTimeline(RECORD, { ...options, format: 'markdown' });
    expect(body).toContain('| First page accepted by oncall-team | 2026-09-14 08:31 |');
    expect(body).toContain('| Acknowledged by Jane Doe |');
    expect(body).toContain(String.raw`Pulls | fail \<b\>`);
    expect(body).toContain(String.raw`| Active: Pulls \| fail |`);
    expect(body).toContain(String.raw`> 1\. roll back`);
    expect(body).toContain(String.raw`\# not a heading`);
    expect(body).toContain('=cmd() \\`rm\\` \\<i\\>');
    const voices = ['Microsoft: what', 'Health Relay: what', 'A person: notes'];
    for (const voice of voices) expect(body).toContain(voice);
  });

  test('name the pager as who paged, not a channel that was told in the same moment', () => {
    const [page] = RECORD.deliveries;
    const channel = { ...page!, id: 'dlv_0', destination: 'a-channel', type: 'teams' };
    const record = { ...RECORD, deliveries: [channel, ...RECORD.deliveries] };
    const { body } = renderTimeline(record, { ...options, format: 'markdown' });
    expect(body).toContain('| First page accepted by oncall-team |');
  });

  test('in HTML load nothing from outside and run nothing', () => {
    const { body } = renderTimeline(RECORD, { ...options, format: 'html' });
    expect(body).not.toMatch(/<script|<link|<img|<iframe|@import|url\(| on\w+=/i);
    expect(body).toContain('<svg');
  });

  test('in CSV hold no formula and one line per entry', () => {
    const { body } = renderTimeline(RECORD, { ...options, format: 'csv' });
    expect(body).toContain("'=cmd()");
    expect(body).not.toMatch(/(?:^|,)"?[=+@]/m);
    expect(csvText([['a"b', ' =1', 'c,d']])).toBe('"a""b",\' =1,"c,d"\r\n');
  });
});

test('runs of our own routine are one line that names what failed; news stands alone', () => {
  const lines = condense(RECORD.timeline);
  expect(lines.map((line) => [line.entries.length, line.failed])).toEqual([
    [1, false],
    [3, true],
    [1, false],
    [1, false],
    [1, false],
  ]);
  expect(lines[1]!.words).toBe('2 messages accepted by oncall-team, channel; 1 try not accepted by mail');
});
