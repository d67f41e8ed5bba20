/** Conformance bench of the PagerDuty adapter. */
import { PagerDutyServer, type PagerDutyEntry } from '#test/support/vendors/pagerduty.ts';
import type { ConformanceBench, ObservedMessage } from '../bench.ts';

const ROUTING_KEY = 'a1b2c3d4e5f60718293a4b5c6d7e8f90';

export const bench: ConformanceBench = {
  kind: 'pagerduty',
  transport: 'http',
  lifecycle: 'stateful',
  // 512 KB hold 3,000 words of any script, and the summary 1,024 characters: nothing here has to be cut.
  cutsText: false,
  requestsBeforeWrite: 0,
  wrongBodies: [
    { status: 202, headers: { 'content-type': 'text/html' }, body: '<html><body>Sign in</body></html>' },
    { status: 202, body: { status: 'invalid event', message: 'Event object is invalid' } },
    { status: 202 },
    { status: 200, body: { status: 'success', message: 'Event processed' } },
  ],
  async start() {
    const server = await new PagerDutyServer({ routingKeys: [ROUTING_KEY] }).start();
    return {
      settings: { routingKey: ROUTING_KEY, region: 'eu', eventsUrl: server.url },
      secrets: [ROUTING_KEY],
      server,
      observed: () => ({
        woken: server.pages,
        open: server.alerts().filter(({ status }) => status === 'open').length,
        records: server.pages,
        refused: server.refusals.length,
        messages: server.entries.map(messageOf),
      }),
      stop: () => server.stop(),
    };
  },
};

function messageOf({ event, summary, details, links }: PagerDutyEntry): ObservedMessage {
  const table = Object.entries(details).map(([label, value]) => `${label}: ${String(value)}`);
  return { text: [event, summary, ...table].join('\n'), links: links.map(({ href }) => href) };
}
