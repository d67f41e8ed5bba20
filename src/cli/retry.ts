/** `relay retry <deliveryId>`: tries a delivery again at once, under the name of the token's holder. */
import { parseCommand, type Command } from './command.ts';
import { apiClient } from './relay-client.ts';

export const command: Command = {
  name: 'retry',
  summary: 'try a delivery again at once',
  usage: `<deliveryId> [--json]

<deliveryId> (dlv_...) stands in GET /v1/incidents/{id}/deliveries and on the page of the incident. Needs a token of
role operate; who retried stands on the timeline.

Environment: RELAY_URL (http://127.0.0.1 at PORT), RELAY_TOKEN (the first operate token of relay.yaml).`,
  async run(args, io) {
    const { values, positionals } = parseCommand(args, { options: { json: { type: 'boolean' } }, min: 1 });
    const [id = ''] = positionals;
    const client = await apiClient(io);
    const { text } = await client.call({ method: 'POST', path: `/v1/deliveries/${encodeURIComponent(id)}/retry` });
    io.out(values.json === true ? `${text.trimEnd()}\n` : `${id} is tried again\n`);
    return 0;
  },
};
