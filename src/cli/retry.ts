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
    const { retrying } = JSON.parse(text) as { retrying: boolean };
    if (values.json === true) io.out(`${text.trimEnd()}\n`);
    else if (retrying) io.out(`${id} is tried again\n`);
    else io.err(`${id}: nothing to retry; all is told, the try is under way, or it is held back\n`);
    return retrying ? 0 : 1;
  },
};
