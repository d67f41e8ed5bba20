/** A local Event Hub in a process of its own. `POST /fill?from=&events=&records=` puts exports in; the first line tells where it listens. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EventHubsServer } from '#test/support/event-hubs/event-hubs-server.ts';
import { exportOf } from './bodies.ts';

const PARTITIONS = 4;
const hubs = await new EventHubsServer({ hubs: { activity: { partitions: PARTITIONS } } }).start();

const control = createServer((request, response) => {
  const query = new URL(request.url!, 'http://127.0.0.1').searchParams;
  const [from, events, records] = ['from', 'events', 'records'].map((name) => Number(query.get(name)));
  for (let n = 0; n < events!; n++)
    hubs.publish('activity', exportOf(from! + n * records!, records!), { partition: n % PARTITIONS });
  response.end();
});
control.listen(0, '127.0.0.1', () =>
  console.log(
    JSON.stringify({
      port: (control.address() as AddressInfo).port,
      connectionString: hubs.connectionString('activity'),
    }),
  ),
);
