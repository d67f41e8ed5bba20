/** Vendors tell us who acknowledged: through the real HTTP, signature and store, on every footing. */
import { createHmac } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { serviceHealth } from '#test/support/fixtures.ts';
import { FOOTINGS, openStores, startRelay, type Stores, type TestRelay } from '#test/support/relay.ts';
import { PagerDutyServer } from '#test/support/vendors/pagerduty.ts';

const SECRETS = ['pd-signing-secret-00001', 'pd-signing-secret-00002'];
const SNOW = 'servicenow-callback-token-01';
const KEY = '0123456789abcdef0123456789abcdef';

describe.each(FOOTINGS)('on the footing %s', (footing) => {
  let stores: Stores;
  let relay: TestRelay;
  let pager: PagerDutyServer;

  beforeAll(async () => {
    stores = await openStores(footing);
  });
  afterAll(() => stores.stop());
  beforeEach(async () => {
    pager = await new PagerDutyServer().start();
    relay = await startRelay(
      stores,
      `callbacks: { pagerduty: { secrets: [${SECRETS.join(', ')}] }, servicenow: { token: ${SNOW} } }
destinations:
  oncall: { type: pagerduty, id: old-name, routingKey: ${KEY}, eventsUrl: "${pager.url}" }
routes: [{ match: {}, to: [oncall] }]
`,
    );
  });
  afterEach(async () => {
    await relay.stop();
    await pager.stop();
  });

  async function pagerduty(
    body: unknown,
    secret = SECRETS[1]!,
  ): Promise<{ status: number; outcome: string | undefined }> {
    const raw = JSON.stringify(body);
    const signature = `v1=${'0'.repeat(64)},v1=${createHmac('sha256', secret).update(raw).digest('hex')}`;
    const answer = await fetch(`${relay.url}/v1/callbacks/pagerduty`, {
      method: 'POST',
      body: raw,
      headers: { 'x-pagerduty-signature': signature },
    });
    return { status: answer.status, outcome: ((await answer.json()) as { outcome?: string }).outcome };
  }

  async function servicenow(body: unknown, token = SNOW): Promise<{ status: number; outcome: string | undefined }> {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(`${relay.url}/v1/callbacks/servicenow`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers,
    });
    return { status: answer.status, outcome: ((await answer.json()) as { outcome?: string }).outcome };
  }

  const event = (type: string, id: string, data: unknown): unknown => ({
    event: {
      id,
      event_type: `incident.${type}`,
      occurred_at: new Date().toISOString(),
      agent: { summary: 'Jane Doe' },
      data,
    },
  });
  const people = async (id: string): Promise<{ summary: string; who: string; data: Record<string, unknown> }[]> =>
    (await relay.get(`/v1/incidents/${id}/timeline`)).json.timeline.filter(
      (e: { voice: string }) => e.voice === 'person',
    );

  test('an acknowledgement by our key stops the clock once, however often it is sent', async () => {
    await relay.post(serviceHealth({ trackingId: 'CALL-001', communication: 1, stage: 'Active' }));
    await relay.level('CALL-001', 1);
    const key = pager.alerts()[0]!.dedupKey;
    const call = event('acknowledged', 'E1', { id: 'PX1', incident_key: key, title: 'renamed by hand' });
    expect(await pagerduty(call)).toEqual({ status: 202, outcome: 'recorded' });
    expect(await pagerduty(call)).toEqual({ status: 202, outcome: 'duplicate' });
    const note = event('annotated', 'E2', { id: 'N1', content: 'cache on', incident: { id: 'PX1' } });
    expect(await pagerduty(note)).toEqual({ status: 202, outcome: 'recorded' });
    expect((await people('CALL-001')).map((entry) => [entry.who, entry.summary])).toEqual([
      ['Jane Doe', 'Acknowledged by Jane Doe in PagerDuty'],
      ['Jane Doe', 'Note by Jane Doe in PagerDuty: cache on'],
    ]);
    const { clocks } = (await relay.get('/v1/incidents/CALL-001/clocks')).json;
    expect(clocks.acknowledgedAt).not.toBeNull();
    expect(clocks.durations.toAcknowledge).toBeGreaterThanOrEqual(0);
    expect((await relay.get('/v1/incidents/CALL-001')).json.incident.state).toBe('active');
  });

  test('without our key the tracking ID in the title leads to the incident', async () => {
    await relay.post(serviceHealth({ trackingId: 'CALL-002', communication: 1, stage: 'Active' }));
    const data = { id: 'PX2', title: 'Container Registry (call-002)', assignees: [{ summary: 'Sam Roe' }] };
    expect((await pagerduty(event('reassigned', 'E3', data))).outcome).toBe('recorded');
    expect((await people('CALL-002'))[0]!.summary).toBe('Reassigned by Jane Doe in PagerDuty to Sam Roe');
  });

  test('a forged, unsigned or token-less call is refused and writes nothing', async () => {
    await relay.post(serviceHealth({ trackingId: 'CALL-003', communication: 1, stage: 'Active' }));
    const call = event('acknowledged', 'E4', { id: 'PX3', title: '(CALL-003)' });
    expect((await pagerduty(call, 'another-secret-000000')).status).toBe(401);
    const body = JSON.stringify(call);
    const unsigned = await fetch(`${relay.url}/v1/callbacks/pagerduty`, { method: 'POST', body });
    expect(unsigned.status).toBe(401);
    expect(unsigned.headers.get('content-type')).toContain('application/problem+json');
    expect((await servicenow({ event: 'acknowledged', short_description: '(CALL-003)' }, 'wrong')).status).toBe(401);
    expect(await people('CALL-003')).toEqual([]);
  });

  test('a ServiceNow call by correlation id or tracking ID is on the record once', async () => {
    await relay.post(serviceHealth({ trackingId: 'CALL-004', communication: 1, stage: 'Active' }));
    const call = {
      state: '2',
      sys_id: 's1',
      number: 'INC1',
      short_description: 'x (CALL-004)',
      sys_updated_by: 'jane',
    };
    expect(await servicenow(call)).toEqual({ status: 202, outcome: 'recorded' });
    expect(await servicenow(call)).toEqual({ status: 202, outcome: 'duplicate' });
    expect((await people('CALL-004')).map((e) => e.summary)).toEqual(['Acknowledged by jane in ServiceNow']);
  });

  test('what names no incident, or is not understood, is kept with the reason and shown', async () => {
    expect((await pagerduty(event('acknowledged', 'E9', { id: 'P?', title: 'another team' }))).outcome).toBe(
      'unmatched',
    );
    expect(await pagerduty({ hello: 1 })).toEqual({ status: 202, outcome: 'unrecognised' });
    expect((await pagerduty(event('triggered', 'E8', {}))).outcome).toBe('ignored');
    expect((await servicenow('not an object')).outcome).toBe('unrecognised');
    const page = await relay.get('/sources', { accept: 'text/html' });
    expect(page.text).toContain('no incident of ours has this key');
  });
});
