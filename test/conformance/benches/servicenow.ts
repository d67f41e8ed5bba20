/** Conformance bench of the ServiceNow adapter. */
import { SERVICENOW_CREDENTIALS, ServiceNowServer } from '#test/support/vendors/servicenow.ts';
import type { ConformanceBench } from '../bench.ts';

const { username, password } = SERVICENOW_CREDENTIALS;

export const bench: ConformanceBench = {
  kind: 'servicenow',
  transport: 'http',
  lifecycle: 'stateful',
  cutsText: true,
  // The look-up by correlation id.
  requestsBeforeWrite: 1,
  wrongBodies: [
    { status: 200, headers: { 'content-type': 'text/html' }, body: '<html><body>Log in</body></html>' },
    { status: 200, body: { records: [] } },
    { status: 200, body: { result: 'ok' } },
  ],
  async start() {
    const server = await new ServiceNowServer().start();
    let stopped: Promise<void> | null = null;
    return {
      settings: {
        mode: 'incident',
        instanceUrl: server.url,
        auth: { type: 'basic', username, password },
        fields: { category: 'cloud' },
      },
      secrets: [password, Buffer.from(`${username}:${password}`).toString('base64')],
      server,
      observed: () => ({
        // A ticket wakes nobody by itself.
        woken: 0,
        open: server.incidents().filter(({ columns }) => columns['state'] !== '6').length,
        records: server.incidents().length,
        refused: server.refusals.length,
        messages: server.entries.map(({ text }) => ({ text, links: linksIn(text) })),
      }),
      stop: () => (stopped ??= server.stop()),
    };
  },
};

function linksIn(text: string): string[] {
  return text.match(/https?:\/\/[^\s)]+/g) ?? [];
}
