/** Conformance bench of the webhook adapter. */
import { WebhookServer, type WebhookEvent } from '#test/support/vendors/webhook.ts';
import type { ConformanceBench, ObservedMessage } from '../bench.ts';

const NEW_SECRET = 'whsec_bmV3LXNlY3JldC1vZi0yNC1vci1tb3JlLWJ5dGVz';
const OLD_SECRET = 'whsec_b2xkLXNlY3JldC1vZi0yNC1vci1tb3JlLWJ5dGVz';
const QUERY_TOKEN = 'hook-query-token-7361';

export const bench: ConformanceBench = {
  kind: 'webhook',
  transport: 'http',
  lifecycle: 'stateful',
  cutsText: true,
  requestsBeforeWrite: 0,
  wrongBodies: [],
  async start() {
    // Still at the old secret: each case proves the rotation as well.
    const server = await new WebhookServer(OLD_SECRET).start();
    return {
      settings: { url: `${server.url}/hook?token=${QUERY_TOKEN}`, secret: [NEW_SECRET, OLD_SECRET] },
      secrets: [NEW_SECRET, OLD_SECRET, QUERY_TOKEN],
      server,
      observed: () => ({
        woken: server.openings,
        open: server.open.size,
        records: server.events.length,
        refused: server.refusals.length,
        messages: server.events.map(messageOf),
      }),
      stop: () => server.stop(),
    };
  },
};

function messageOf({ body }: WebhookEvent): ObservedMessage {
  const { type, data } = body;
  const { headline } = data.incident;
  const lines = [type, headline, ...data.changes, data.communication?.title ?? '', data.communication?.text ?? ''];
  const links = [data.links.timeline, data.links.portal, data.route.runbook].filter((link) => link !== null);
  return { text: lines.join('\n'), links };
}
