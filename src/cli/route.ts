/** `relay route <payload.json | incident>`: who would be told, and why. Calls nobody. */
import { explainRoutes } from '#src/core/route.ts';
import type { RelayConfig } from '#src/config/types.ts';
import { Failure, parseCommand, UsageError, type Command, type Io } from './command.ts';
import type { FoldedIncident, FoldedPayloads } from './fold-payloads.ts';
import { parsePayload, readPayloadBytes, UnreadableError } from './payloads.ts';
import { routeText, type RoutedDestination, type RoutedIncident } from './route-text.ts';
import { openConfig, pastAddress } from './setup.ts';

export const command: Command = {
  name: 'route',
  summary: 'which routes and destinations a payload or incident takes, and why; calls nobody',
  usage: `<payload.json | incident> [--explain] [--source name] [--config file] [--json]

Reads one payload as a receiver would (- is standard input), folds it and judges the routes on it. The running relay
judges the whole incident: what it knows from other messages can add destinations. Our id (inc_...) or a tracking ID
judges that: the signals of the incident are read from the relay's database and folded anew.

  --explain       also the first message that each destination would get
  --source name   as if this source had sent the payload (the first of the config)
  --config file   (RELAY_CONFIG, else relay.yaml)
  --json          for programs

Environment of an incident: DATABASE_URL, or RELAY_DATA_DIR beside a relay that runs a Postgres of its own.`,
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
    const now = new Date();
    const { folded, from } = await read(file, { io, config, hide, now, source: values.source });
    const routed: RoutedIncident[] = [];
    for (const one of folded.incidents) {
      routed.push(await routedIncident(one, { config, hide, now, explain: values.explain === true }));
    }
    if (values.json === true) io.out(`${JSON.stringify(asJson(folded, routed, config), null, 2)}\n`);
    else io.out(routeText(folded, routed, { config, from, explain: values.explain === true }));
    return 0;
  },
};

/** What there is to judge, and where it comes from in words. */
async function read(
  file: string,
  options: { io: Io; config: RelayConfig; hide: (text: string) => string; now: Date; source: string | undefined },
): Promise<{ folded: FoldedPayloads; from: string }> {
  const { io, config, hide, now } = options;
  const bytes = await readPayloadBytes(io, file).catch((error: unknown) => {
    if (error instanceof UnreadableError && isId(file)) return null;
    throw error;
  });
  if (bytes === null) {
    if (options.source !== undefined) throw new UsageError('--source goes with a payload, not with an incident');
    const address = await pastAddress(io).catch((error: unknown) => {
      if (!(error instanceof Failure)) throw error;
      throw new Failure(`${file} is no file here; for an incident: ${error.message}`);
    });
    const { readStoredIncident } = await import('./stored-incident.ts');
    const folded = await readStoredIncident(address, { id: file, config }).catch((error: unknown) => {
      if (error instanceof Failure) throw error;
      throw new Failure(`the database of the relay cannot be read: ${hide((error as Error).message)}`);
    });
    const less = folded.leftOut === 0 ? '' : `; ${folded.leftOut} left out, their bodies are gone`;
    return { folded, from: `as stored${less}` };
  }
  const payload = parsePayload(bytes, file);
  const { foldPayloads, sourceOf } = await import('./fold-payloads.ts');
  const source = sourceOf(config, options.source);
  return { folded: foldPayloads([payload], { config, source, now }), from: `as from source "${source.source}"` };
}

/** Our id or a tracking ID: a file that is not there has its path or its ending. */
function isId(text: string): boolean {
  return /^[\w-]{4,100}$/.test(text);
}

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
