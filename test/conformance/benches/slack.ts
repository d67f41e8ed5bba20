/** Conformance bench of the Slack adapter. */
import { SlackServer } from '#test/support/vendors/slack.ts';
import type { ConformanceBench } from '../bench.ts';

export const bench: ConformanceBench = {
  kind: 'slack',
  transport: 'http',
  lifecycle: 'messages',
  cutsText: true,
  requestsBeforeWrite: 0,
  wrongBodies: [
    { status: 200, body: { ok: false, error: 'channel_not_found' } },
    { status: 200, headers: { 'content-type': 'text/html' }, body: '<!DOCTYPE html><html><body>Sign in</body></html>' },
    { status: 200 },
    { status: 202, body: 'ok' },
  ],
  async start() {
    const server = await new SlackServer().start();
    return {
      settings: { webhookUrl: server.url },
      secrets: [server.url, server.token],
      server,
      observed: () => ({
        woken: 0,
        open: 0,
        records: server.posts.length,
        refused: server.refusals.length,
        messages: server.posts.map(({ text, links }) => ({ text, links })),
      }),
      stop: () => server.stop(),
    };
  },
};
