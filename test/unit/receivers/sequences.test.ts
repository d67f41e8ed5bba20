/** Several bodies under one identity, through the parser and the fold: what they come to, and what each of them answers. */
import { describe, expect, test } from 'vitest';
import { readSignals } from '#src/receivers/read.ts';
import { fixture, serviceHealth, type Post } from '#test/support/fixtures.ts';
import { runFold } from '#test/support/run-fold.ts';
import { AKS, CONTEXT } from './read-fixture.ts';

const fold = (...bodies: unknown[]) => runFold(bodies.flatMap((body) => readSignals(body, CONTEXT)));
const post = (communication: number, stage: string, more: Partial<Post> = {}) =>
  serviceHealth({ trackingId: 'SEQU-001', communication, stage, ...more });

/** A health event of the cluster, minutes after nine. */
function health(minute: number, status: string, current: string | null): unknown {
  const body = fixture('webhook-classic/rh-aks-degraded.json');
  const log = body.data.context.activityLog;
  const at = `2026-09-14T09:${String(minute).padStart(2, '0')}:00Z`;
  Object.assign(log, { eventTimestamp: at, submissionTimestamp: at, eventDataId: `event ${minute}`, status });
  Object.assign(log.properties, { currentHealthStatus: current, previousHealthStatus: null });
  return body;
}

describe('communications of one event', () => {
  test('an end that bears the id of an earlier post is an end all the same', () => {
    const end = post(2, 'Resolved');
    const log = (end['data'] as ReturnType<typeof fixture>).context.activityLog;
    log.properties.communicationId = '11000SEQU-0011';
    const run = fold(post(1, 'Active'), end);
    expect(run.outcomes).toEqual(['opened', 'resolved']);
    expect(run.incident.state).toBe('resolved');
  });

  test('an end by its status alone, with the words of what it ends, is an end also where no id tells them apart', () => {
    const nameless = (communication: number, status: string): unknown => {
      const body = post(communication, 'Active', { status, text: 'The same words.' }) as ReturnType<typeof fixture>;
      body.data.context.activityLog.properties.communicationId = null;
      return body;
    };
    const [began, ended] = [nameless(1, 'Active'), nameless(2, 'Resolved')];
    for (const run of [fold(began, ended), fold(ended, began), fold(post(1, 'Active'), began, ended)])
      expect(run.incident.state).toBe('resolved');
    expect(fold(began, ended).outcomes).toEqual(['opened', 'resolved']);
  });

  test('what is older than the review of an event is late: noted, and told to nobody', () => {
    const run = fold(post(1, 'Active'), post(9, 'RCA'), post(2, 'Active'));
    expect(run.outcomes).toEqual(['opened', 'noted', 'noted']);
    expect(run.incident).toMatchObject({ state: 'resolved', revision: 2 });
    expect(fold(post(9, 'RCA'), post(1, 'Active')).outcomes).toEqual(['noted', 'noted']);
  });

  test('the end that comes after the review still counts, and a post after both reopens', () => {
    const late = fold(post(1, 'Active'), post(9, 'RCA'), post(3, 'Resolved'));
    expect(late.outcomes).toEqual(['opened', 'noted', 'resolved']);
    const again = fold(post(1, 'Active'), post(3, 'Resolved'), post(9, 'RCA'), post(10, 'Active'));
    expect(again.outcomes).toEqual(['opened', 'resolved', 'noted', 'opened']);
    expect(again.episodes).toBe(1);
  });

  test('names of services and regions in other letters are no new impact', () => {
    const run = fold(
      post(1, 'Active', { regions: ['West Europe'] }),
      post(1, 'Active', { regions: ['WEST EUROPE'], service: 'container registry' }),
    );
    expect(run.outcomes).toEqual(['opened', 'duplicate']);
    expect(run.scope.impacts).toEqual([{ service: 'Container Registry', region: 'West Europe' }]);
    expect(run.incident.revision).toBe(1);
  });
});

describe('events of one resource', () => {
  test('another verdict is told, a milder one as well', () => {
    const run = fold(health(0, 'Active', 'Unavailable'), health(10, 'Updated', 'Degraded'));
    expect(run.outcomes).toEqual(['opened', 'updated']);
    expect(run.incident).toMatchObject({ state: 'active', severity: 'warning', revision: 2 });
    expect(run.pages).toBe(1);
  });

  test('a new event with the same verdict stands on the timeline and is told to nobody', () => {
    const run = fold(health(0, 'Active', 'Unavailable'), health(10, 'InProgress', 'Unavailable'));
    expect(run.outcomes).toEqual(['opened', 'updated']);
    expect(run.incident).toMatchObject({ stage: 'InProgress', revision: 1 });
  });

  test('an update without a verdict leaves the one before', () => {
    const run = fold(health(0, 'Active', 'Unavailable'), health(10, 'Updated', null));
    expect(run.outcomes).toEqual(['opened', 'updated']);
    expect(run.incident).toMatchObject({ severity: 'error', revision: 1 });
  });

  test('an opening later than the end is a new episode, whatever note came after it', () => {
    const note = {
      eventType: 'Microsoft.ResourceNotifications.HealthResources.ResourceAnnotated',
      eventTime: '2026-09-14T09:30:00Z',
      id: 'note',
      subject: AKS,
      topic: '/subscriptions/s',
      data: { resourceInfo: { properties: { targetResourceId: AKS, reason: 'said later' } } },
    };
    const run = fold(
      health(0, 'Active', 'Unavailable'),
      health(20, 'Resolved', 'Available'),
      note,
      health(25, 'Active', 'Degraded'),
    );
    expect(run.outcomes).toEqual(['opened', 'resolved', 'noted', 'opened']);
    expect(run.episodes).toBe(2);
  });
});

test('a rolling upgrade that fails is an alert that says so, not the change that had started', () => {
  const run = fold(
    fixture('eventgrid/aks-nodepool-rolling-started-eventgrid.json'),
    fixture('eventgrid/aks-nodepool-rolling-failed-cloudevents.json'),
  );
  expect(run.incident).toMatchObject({
    kind: 'alert',
    headline: '[Alert] Azure Kubernetes Service (AKS): aks-contoso-weu: rolling upgrade of node pool userpool1 failed',
  });
});
