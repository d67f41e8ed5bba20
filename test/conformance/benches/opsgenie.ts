/** Conformance bench of the Opsgenie adapter, at the base path of Jira Service Management. */
import { OpsgenieServer, type OpsgenieEntry } from '#test/support/vendors/opsgenie.ts';
import type { ConformanceBench, ObservedMessage } from '../bench.ts';

const API_KEY = 'eb243592-faa2-4ba2-a551-1afdf565c889';

export const bench: ConformanceBench = {
  kind: 'opsgenie',
  transport: 'http',
  lifecycle: 'stateful',
  cutsText: true,
  requestsBeforeWrite: 0,
  wrongBodies: [
    { status: 202, headers: { 'content-type': 'text/html' }, body: '<html><body>Log in</body></html>' },
    { status: 202, body: { result: 'Request will be processed' } },
    { status: 202 },
    { status: 200, body: { result: 'ok', requestId: '43a29c5c-3dbf-4fa4-9c26-f4f71023e120' } },
  ],
  async start() {
    const server = await new OpsgenieServer({ apiKey: API_KEY }).start();
    return {
      settings: {
        apiKey: API_KEY,
        apiUrl: `${server.url}/jsm/ops/integration/v2`,
        responders: [{ type: 'team', name: 'Platform on-call' }],
        tags: ['azure'],
      },
      secrets: [API_KEY],
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

function messageOf({ event, text }: OpsgenieEntry): ObservedMessage {
  return { text: `${event}\n${text}`, links: text.match(/https?:\/\/[^\s)]+/g) ?? [] };
}
