/** `relay route <payload.json>`: who would be told of this payload, and why. Calls nobody. */
import { explainRoutes } from '#src/core/route.ts';
import type { RelayConfig } from '#src/config/types.ts';
import { parseCommand, type Command } from './command.ts';
import type { FoldedIncident, FoldedPayloads } from './fold-payloads.ts';
import { parsePayload, readPayloadBytes } from './payloads.ts';
import { routeText, type RoutedDestination, type RoutedIncident } from './route-text.ts';
import { openConfig } from './setup.ts';

export const command: Command = {
  name: 'route',
  summary: 'which routes and destinations a payload would take, and why; calls nobody',
  usage: `<payload.json> [--explain] [--source name] [--config file] [--json]

Reads one payload as a receiver would (- is standard input), folds it and judges the routes on it. The running relay
judges the whole incident: what it knows from other messages can add destinations.

  --explain       also the first message that each destination would get
  --source name   as if this source had sent it (the first of the config)
  --config file   (RELAY_CONFIG, else relay.yaml)
  --json          for programs`,
  async run(args, io) {
    const { values, positionals } = parseCommand(args, {
      options: {
        explain: { type: 'boolean' },
        source: { type: 'string' },
        config: { type: 'string' },
        json: { type: 'boolean' },
      },
      min: 1,
    });
    const [file = ''] = positionals;
    const { config, hide } = await openConfig(io, values.config);
    const payload = parsePayload(await readPayloadBytes(io, file), file);
    const { foldPayloads, sourceOf } = await import('./fold-payloads.ts');
    const now = new Date();
    const source = sourceOf(config, values.source);
    const folded = foldPayloads([payload], { config, source, now });
    const routed: RoutedIncident[] = [];
    for (const one of folded.incidents) {
      routed.push(await routedIncident(one, { config, hide, now, explain: values.explain === true }));
    }
    if (values.json === true) io.out(`${JSON.stringify(asJson(folded, routed, config), null, 2)}\n`);
    else io.out(routeText(folded, routed, { config, source: source.source, explain: values.explain === true }));
    return 0;
  },
};

interface Options {
  config: RelayConfig;
  now: Date;
  explain: boolean;
  hide: (text: string) => string;
}

async function routedIncident(folded: FoldedIncident, options: Options): Promise<RoutedIncident> {
  const { config, explain } = options;
  const [{ routeFacts }, { explainDamping }, { silencedBy }, { previewMessage }] = await Promise.all([
    import('#src/pipeline/routing.ts'),
    import('./damping-of.ts'),
    import('./silenced.ts'),
    import('./preview.ts'),
  ]);
  const explanations = explainRoutes(routeFacts(config, folded.incident, folded.scope), config.routes);
  const destinations: RoutedDestination[] = [];
  for (const match of folded.decision.destinations) {
    const destination = config.destinations.find((one) => one.name === match.destination);
    if (destination === undefined) continue;
    destinations.push({
      name: destination.name,
      type: destination.type,
      routes: match.routes,
      subscriptions: match.subscriptions,
      damping: explainDamping(match.routes, folded.incident, config),
      silence: silencedBy(destination.name, folded, options),
      message: explain ? await previewMessage(folded, destination, options) : null,
    });
  }
  return { folded, explanations, destinations };
}

function asJson(folded: FoldedPayloads, routed: readonly RoutedIncident[], config: RelayConfig) {
  return {
    signals: folded.signals.map(({ signal, outcome, reason, incident }) => ({
      identity: signal.identity,
      schema: signal.schema,
      type: signal.type,
      outcome,
      reason,
      incident: incident?.incident.id ?? null,
      ...(outcome === 'test' ? { destinations: config.tests === null ? [] : [config.tests] } : {}),
    })),
    incidents: routed.map(({ folded: { incident, scope, decision, contextOnly }, explanations, destinations }) => {
      const { id, identity, trackingId, kind, state, stage, severity, headline } = incident;
      const { impacts, subscriptions, resources } = scope;
      const what = { id, identity, trackingId, kind, state, stage, severity, headline };
      const where = { impacts, subscriptions, resources };
      return { ...what, ...where, unrouted: decision.unrouted, contextOnly, routes: explanations, destinations };
    }),
  };
}
