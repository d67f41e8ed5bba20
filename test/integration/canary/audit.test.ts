/** The auditor over a real store in which something is missing: it says what, and the heartbeat falls silent. */
import { test } from 'vitest';
import { openPools } from '#src/db/pools.ts';
import { PATIENCE_MS, useCanaryBench } from '#test/support/canary-bench.ts';
import { untilWell } from '#test/support/canary.ts';
import { startRelay } from '#test/support/relay.ts';
import { WebhookServer } from '#test/support/vendors/webhook.ts';

const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';
const bench = useCanaryBench();

test('names a promise that is missing, one that lags behind, and a signal without an incident', async () => {
  const environment = await bench.stores().environment();
  const hook = await new WebhookServer(SECRET).start();
  bench.later(() => hook.stop());
  const config = `destinations: { hook: { type: webhook, url: "${hook.url}/hook", secret: "${SECRET}" } }\nroutes: [{ match: { kind: outage }, to: [hook] }]\n${bench.canary()}`;
  const one = await bench.relay(config, environment);
  const pools = openPools(environment['DATABASE_URL']!, () => undefined);
  bench.later(() => pools.end());
  const sql = (text: string): Promise<unknown> => pools.read.query(text);
  const post = (id: string): Promise<unknown> => one.post(sample(id));
  await post('AUD1-001');
  await one.level('AUD1-001', 1);
  // Old enough to be judged, and judged under this very config.
  await untilWell(one, PATIENCE_MS);
  await new Promise((resolve) => setTimeout(resolve, 6_000));
  const id = `(select id from incidents where tracking_id = 'AUD1-001')`;
  await bench.broken('audit: promise missing', one, {
    wanted: /1 destination that the routes name .*hook inc_/,
    break: () => sql(`update deliveries set incident_id = 'kept' where incident_id = ${id}`),
    mend: () => sql(`update deliveries set incident_id = ${id} where incident_id = 'kept'`),
  });
  await bench.broken('audit: revision not wanted', one, {
    wanted: /1 delivery that does not want the newest revision/,
    break: () => sql(`update incidents set revision = 9 where id = ${id}`),
    mend: () => sql(`update incidents set revision = 1 where id = ${id}`),
  });
  await bench.broken('audit: signal without incident', one, {
    wanted: /accepted signals? without an incident/,
    break: () => sql(`update signals set incident_id = 'gone' where source = 'test'`),
    mend: () => sql(`update signals set incident_id = ${id} where source = 'test'`),
  });
});

test('a delivery that is due and that nobody comes for is found, one that waits for its time or a pause is not', async () => {
  const environment = await bench.stores().environment();
  // Nothing listens there; the lane of the destination is what the pause is for.
  const config = `destinations: { hook: { type: webhook, url: "http://127.0.0.1:9/x", secret: "${SECRET}" } }\nroutes: [{ match: { kind: outage }, to: [hook] }]\n${bench.canary()}`;
  const one = await bench.relay(config, { ...environment, RELAY_ROLE: 'api' });
  const pools = openPools(environment['DATABASE_URL']!, () => undefined);
  bench.later(() => pools.end());
  const worker = await startRelay(bench.stores(), bench.canary(), { ...environment, RELAY_ROLE: 'worker' });
  bench.later(() => worker.stop());
  await one.post(sample('AUD2-001'));
  await untilWell(one, PATIENCE_MS);
  const sql = (text: string): Promise<unknown> => pools.read.query(text);
  const due = (ago: string): Promise<unknown> =>
    sql(`update deliveries set next_attempt_at = now() - interval '${ago}' where destination = 'hook'`);
  await bench.broken('audit: delivery overdue', one, {
    wanted: /1 delivery that is due and nobody comes for \(hook dlv_/,
    break: () => due('2 minutes'),
    mend: () =>
      sql(
        `insert into destination_state (destination, paused_until, pause_reason) values ('hook', now() + interval '1 hour', 'rate-limited')`,
      ),
  });
});

function sample(trackingId: string): unknown {
  return {
    schemaId: 'azureMonitorCommonAlertSchema',
    data: {
      essentials: {
        monitoringService: 'ServiceHealth',
        signalType: 'Activity Log',
        firedDateTime: new Date().toISOString(),
      },
      alertContext: {
        eventTimestamp: new Date().toISOString(),
        operationName: 'Microsoft.ServiceHealth/incident/action',
        status: 'Active',
        properties: {
          title: 'Sample',
          incidentType: 'Incident',
          stage: 'Active',
          trackingId,
          communicationId: `c-${trackingId}`,
          impactedServices: '[{"ImpactedRegions":[{"RegionName":"West Europe"}],"ServiceName":"Container Registry"}]',
        },
      },
    },
  };
}
