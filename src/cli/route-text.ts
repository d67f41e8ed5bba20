/** The answer of `relay route` for people. */
import type { RelayConfig } from '#src/config/types.ts';
import type { SilenceCause } from '#src/core/plan.ts';
import type { RouteExplanation } from '#src/core/route.ts';
import { minuteInWords } from '#src/core/silence.ts';
import type { FoldedIncident, FoldedPayloads, FoldedSignal } from './fold-payloads.ts';
import type { Preview } from './preview.ts';
import { indent, plain, plainLines, table } from './table.ts';

/** One incident of the payload with the routes' decision. */
export interface RoutedIncident {
  folded: FoldedIncident;
  explanations: RouteExplanation[];
  destinations: RoutedDestination[];
}

export interface RoutedDestination {
  name: string;
  type: string;
  /** Positions of the routes that named it; empty where no route did. */
  routes: readonly number[];
  subscriptions: readonly string[];
  /** What its routes ask before it is told; one sentence each. */
  damping: readonly string[];
  /** The silence of the config that holds it back now. */
  silence: SilenceCause | null;
  /** Null without `--explain`, and where the destination's policy says nothing. */
  message: Preview | null;
}

export interface RouteTextOptions {
  config: RelayConfig;
  /** Where the signals come from. */
  from: string;
  explain: boolean;
}

/** Signals, then per incident the routes with their reasons, the destinations, and the messages if asked for. */
export function routeText(
  folded: FoldedPayloads,
  routed: readonly RoutedIncident[],
  options: RouteTextOptions,
): string {
  const { length } = folded.signals;
  const tests = folded.signals.filter(({ outcome }) => outcome === 'test');
  const parts = [
    `${length} signal${length === 1 ? '' : 's'}, ${options.from}\n`,
    ...tests.map((one) => testText(one, options.config)),
    ...routed.map((one) => incidentText(one, folded, options)),
  ];
  return parts.join('\n');
}

function testText({ signal }: FoldedSignal, { tests }: RelayConfig): string {
  const to = tests === null ? 'shown on the page only (no tests: in the config)' : `sent to ${tests}, marked TEST`;
  return `test notification "${plain(signal.title)}": never an incident; ${to}\n`;
}

function incidentText(one: RoutedIncident, folded: FoldedPayloads, options: RouteTextOptions): string {
  const { incident, scope } = one.folded;
  const mine = folded.signals.filter((signal) => signal.incident === one.folded);
  const outcomes = mine.map(({ outcome, reason }) => outcome + (reason === null ? '' : ` (${reason})`));
  const facts = indent(
    table(
      [],
      [
        ['identity', `${incident.identity}${incident.episode === 1 ? '' : ` episode ${incident.episode}`}`],
        [
          'kind',
          `${incident.kind}, ${incident.state}, severity ${incident.severity}, stage ${incident.stage ?? 'none'}`,
        ],
        ['impacts', named(scope.impacts.map(({ service, region }) => `${service} / ${region || 'region unknown'}`))],
        ['subscriptions', named(scope.subscriptions.map((id) => nameOf(id, options.config)))],
        ['outcome', [...new Set(outcomes)].join(', ')],
      ],
    ),
  );
  const sections = [`${plain(incident.headline)}\n${facts}`, routesText(one, options.config), destinationsText(one)];
  if (options.explain) sections.push(...one.destinations.map(messageText));
  return sections.join('\n');
}

function routesText({ explanations, folded }: RoutedIncident, config: RelayConfig): string {
  if (explanations.length === 0) return 'The config has no routes.\n';
  const rows = explanations.map(({ route, name, result, to, because }) => [
    `routes[${route}]${name === null ? '' : ` ${name}`}`,
    result,
    to.join(', '),
    because.join('; '),
  ]);
  const list = table(['ROUTE', 'RESULT', 'TO', 'BECAUSE'], rows);
  if (folded.contextOnly && folded.decision.destinations.length === 0)
    return `${list}\nContext, such as an image push: nobody is told unless a route asks for kind: change by name.\n`;
  if (!folded.decision.unrouted) return list;
  const where = config.default.length > 0 ? 'it goes to default' : 'it goes to every destination';
  return `${list}\nNo route takes this incident: ${where}.\n`;
}

function destinationsText({ destinations, folded }: RoutedIncident): string {
  if (destinations.length === 0) return 'Nobody is told.\n';
  const total = folded.scope.subscriptions.length;
  const rows = destinations.map(({ name, type, routes, subscriptions }) => [
    name,
    type,
    routes.length === 0 ? 'no route' : routes.map((index) => `routes[${index}]`).join(', '),
    `${subscriptions.length} of ${total}`,
  ]);
  const damped = destinations.flatMap(({ name, damping }) => damping.map((sentence) => `${name}: ${sentence}\n`));
  return (
    table(['DESTINATION', 'TYPE', 'BY', 'SUBSCRIPTIONS'], rows) +
    [...damped, ...destinations.flatMap(silenceText)].join('')
  );
}

function silenceText({ name, silence }: RoutedDestination): string[] {
  if (silence === null) return [];
  const { author, reason, untilMs } = silence;
  const why = reason === '' ? '' : ` (${plain(reason)})`;
  return [`${name}: held back by a silence of ${plain(author)} until ${minuteInWords(untilMs)}${why}\n`];
}

function messageText({ name, type, message }: RoutedDestination): string {
  if (message === null) return `--- ${name} (${type}): says nothing\n`;
  return `--- ${name} (${type}): ${message.action}\n${contentText(message)}`;
}

function contentText({ mail, requests, why }: Preview): string {
  if (mail !== null) return indent(plainLines(`Subject: ${mail.subject}\n\n${mail.text}`));
  const lines = requests.map(({ method, origin, body }) => {
    if (method === 'GET') return `looks first: GET ${origin}\n`;
    return `${method} ${origin}\n${body === null ? '' : `${indent(plainLines(body))}\n`}`;
  });
  return `${lines.join('')}${why === '' ? '' : `${plain(why)}\n`}`;
}

function nameOf(id: string, config: RelayConfig): string {
  const name = config.subscriptions.get(id)?.name;
  return name === null || name === undefined ? id : `${name} (${id})`;
}

/** At most this many are named. */
const NAMED_MAX = 5;

function named(values: readonly string[]): string {
  if (values.length === 0) return 'none';
  const more = values.length > NAMED_MAX ? ` and ${values.length - NAMED_MAX} more` : '';
  return values.slice(0, NAMED_MAX).join(', ') + more;
}
