/** Conformance bench of the Teams adapter. */
import { TeamsServer, type TeamsCard } from '#test/support/vendors/teams.ts';
import type { ConformanceBench, ObservedMessage } from '../bench.ts';

export const bench: ConformanceBench = {
  kind: 'teams',
  transport: 'http',
  lifecycle: 'messages',
  cutsText: true,
  requestsBeforeWrite: 0,
  // A flow answers with nothing; what else comes with a 2xx is in the adapter's own tests.
  wrongBodies: [],
  async start() {
    const server = await new TeamsServer().start();
    return {
      settings: { webhookUrl: server.url },
      secrets: [server.url, server.sig],
      server,
      observed: () => ({
        woken: 0,
        open: 0,
        records: server.cards.length,
        // A refused card is a failed run behind a 202.
        refused: server.runs.filter((run) => run.faults.length > 0).length,
        messages: server.cards.map(messageOf),
      }),
      stop: () => server.stop(),
    };
  },
};

function messageOf(card: TeamsCard): ObservedMessage {
  const inText = [...card.text.matchAll(/\]\(([^)]+)\)/g)].map((match) => match[1] ?? '');
  // What a backslash protects is shown without it.
  return {
    text: card.text.replaceAll(/\\(?=[^\w\s])|\\(?=_)/g, ''),
    links: [...card.actions.map(({ url }) => url), ...inText],
  };
}
