/** Bodies that once lost news: each case is a way in which an outside tester got silence, or a page too many. */
import { describe, expect, test } from 'vitest';
import { readSignals } from '#src/receivers/read.ts';
import { fixture, serviceHealth } from '#test/support/fixtures.ts';
import { runFold } from '#test/support/run-fold.ts';

const CONTEXT = {
  source: 'test',
  subscription: null,
  receivedAt: '2026-11-24T12:00:00.000Z',
  door: 'webhook',
} as const;
const read = (body: unknown) => readSignals(body, CONTEXT);
const fold = (...bodies: unknown[]) => runFold(bodies.flatMap(read));

function logAlert(id: string, condition: 'Fired' | 'Resolved', firedDateTime: string): unknown {
  const body = fixture('webhook-common/log-v2-aks-imagepull-fired.json');
  Object.assign(body.data.essentials, { alertId: id, monitorCondition: condition, firedDateTime });
  delete body.data.alertContext.condition.windowEndTime;
  return body;
}

describe('an end of a log alert that says nothing of its time', () => {
  const [first, second] = ['2026-11-24T11:50:00Z', '2026-11-24T11:59:55Z'];
  test('does not swallow an alert that fires again just before it arrives', () => {
    const run = fold(logAlert('a', 'Fired', first), logAlert('a', 'Resolved', first), logAlert('b', 'Fired', second));
    expect(run.outcomes).toEqual(['opened', 'resolved', 'opened']);
    expect(run.pages).toBe(2);
  });
  test('does not close the alert that fired after it', () => {
    const run = fold(logAlert('a', 'Fired', first), logAlert('b', 'Fired', second), logAlert('a', 'Resolved', first));
    expect(run.incident.state).toBe('active');
  });
});

test('a review that calls the event active does not end it', () => {
  const at = (communication: number, stage: string, status?: string) =>
    serviceHealth({ trackingId: 'RCAA-001', communication, stage, ...(status ? { status } : {}) });
  const run = fold(at(1, 'Active'), at(2, 'RCA', 'Active'), at(3, 'Active'));
  expect(run.outcomes).toEqual(['opened', 'noted', 'updated']);
  expect(run.pages).toBe(1);
});

test('two Service Health bodies without id and title are two incidents', () => {
  const one = {
    schemaId: 'Microsoft.Insights/activityLogs',
    data: {
      context: { activityLog: { eventSource: ['ServiceHealth'], properties: { trackingId: { a: 1 }, title: [1] } } },
    },
  };
  const other = {
    vendor: { operationName: 'Microsoft.ServiceHealth/incident/action' },
    message: 'Storage down in East US',
    at: 2,
  };
  const [a, b] = [read(one)[0]!, read(other)[0]!];
  expect(a.identity).not.toBe(b.identity);
});

test('a body that only says ServiceHealth is salvaged', () => {
  expect(read({ eventSource: 'ServiceHealth', title: 'Title A', incidentType: 'Security' })[0]).toMatchObject({
    kind: 'security',
    reason: expect.stringContaining('salvaged'),
  });
});

test('an opening with an absurd time does not outlive its end', () => {
  const opening = serviceHealth({ trackingId: 'ABSU-001', communication: 1, stage: 'Active' }) as {
    data: { context: { activityLog: Record<string, unknown> } };
  };
  Object.assign(opening.data.context.activityLog, {
    eventTimestamp: '2150-01-01T00:00:00Z',
    submissionTimestamp: '2150-01-01T00:00:00Z',
  });
  expect(
    fold(opening, serviceHealth({ trackingId: 'ABSU-001', communication: 2, stage: 'Resolved' })).incident.state,
  ).toBe('resolved');
});

test('a rule that fires again while its alert is open adds nothing', () => {
  const again = fixture('webhook-common/prometheus-aks-fired.json');
  Object.assign(again.data.essentials, { alertId: 'other', firedDateTime: '2026-09-14T08:42:30.0000000Z' });
  expect(fold(fixture('webhook-common/prometheus-aks-fired.json'), again).outcomes).toEqual(['opened', 'duplicate']);
});

test.each([
  { schemaId: 'azureMonitorCommonAlertSchema', data: { essentials: null, alertContext: null } },
  { schemaId: 'Microsoft.Insights/activityLogs', data: { context: { activityLog: [] } } },
])('an empty envelope is unrecognised: %j', (body) => {
  expect(read(body)[0]!.kind).toBe('unrecognised');
});
