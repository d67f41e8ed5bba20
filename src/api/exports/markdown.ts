/** Markdown, ready for a post-mortem document: the questions of a review first, then the record. */
import type { Entry, IncidentRecord } from '../incidents-record.ts';
import { ledgerOf } from './ledger.ts';
import type { RenderOptions } from './render.ts';
import { changesOf, condense } from './runs.ts';
import { VOICE_WORDS, type Voice } from './voice.ts';
import { clock, factsOf, momentsOf } from './words.ts';

/** A post-mortem names no thousand subscriptions; the API has them all. */
const NAMED_MAX = 60;

/** Renders the record. */
export function markdownOf(record: IncidentRecord, options: RenderOptions): string {
  const sections = [
    head(record, options),
    glance(record),
    story(record),
    told(record, options),
    posts(record),
    people(record, options),
    related(record),
    scope(record, options),
    legend(record),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function head(record: IncidentRecord, { external }: RenderOptions): string[] {
  const notes = [
    'All times are UTC.',
    ...(record.at === null ? [] : [`As known at ${clock(record.at)}; what came later is left out.`]),
    ...(external ? ['For readers outside: without people, subscriptions and destinations.'] : []),
    ...(record.withheld ? ['The text of this security post is withheld from the reader who made this document.'] : []),
  ];
  return [
    `# ${plain(record.incident.headline)}`,
    '',
    `*${notes.join(' ')}*`,
    '',
    ...factsOf(record).map(([label, value]) => `- **${label}:** ${plain(value)}`),
  ];
}

function glance(record: IncidentRecord): string[] {
  return [
    '## When',
    '',
    '| | Time | How long | Whose word |',
    '|---|---|---|---|',
    ...momentsOf(record).map(({ label, at, none, took, voice }) =>
      row([label, at === null ? none : clock(at), took ?? '', voice]),
    ),
  ];
}

function told({ deliveries }: IncidentRecord, { external }: RenderOptions): string[] {
  if (external) return [];
  if (deliveries.length === 0) return ['## Who was told', '', 'Nobody: no route wants this kind of news.'];
  return [
    '## Who was told',
    '',
    '| Destination | First told | Last told | Messages | Failed tries | Standing | Receipt |',
    '|---|---|---|---:|---:|---|---|',
    ...ledgerOf(deliveries).map((line) =>
      row([
        `${line.destination} (${line.type})`,
        line.firstToldAt === null ? 'not yet' : clock(line.firstToldAt),
        line.lastToldAt === null ? '' : clock(line.lastToldAt),
        String(line.messages),
        String(line.failures),
        line.standing,
        line.receipt ?? '',
      ]),
    ),
  ];
}

function story({ timeline }: IncidentRecord): string[] {
  return [
    '## What happened',
    '',
    '| Time | Whose word | What |',
    '|---|---|---|',
    ...condense(timeline).map(({ entries: [first, ...more], words }) =>
      row([clock(first.at), first.who, [words, ...(more.length > 0 ? [] : changesOf(first))].join(' · ')]),
    ),
  ];
}

function posts({ timeline }: IncidentRecord): string[] {
  const said = timeline.filter((entry) => entry.kind === 'communication' && textOf(entry) !== '');
  if (said.length === 0) return [];
  return [
    '## What Microsoft said',
    ...said.flatMap((entry) => [
      '',
      `### ${clock(entry.at)} ${plain(typeof entry.data['stage'] === 'string' ? entry.data['stage'] : '')}`.trimEnd(),
      '',
      ...quote(textOf(entry)),
    ]),
  ];
}

function people({ timeline }: IncidentRecord, { external }: RenderOptions): string[] {
  const added = timeline.filter(
    (entry) => entry.voice === 'person' && entry.data['event'] !== 'reassigned' && textOf(entry) !== '',
  );
  if (external || added.length === 0) return [];
  const bullets = added.map(
    (entry) =>
      `- **${clock(entry.at)}, ${plain(entry.who)}${entry.data['event'] === 'correction' ? ', a correction' : ''}:** ${inline(textOf(entry))}`,
  );
  return ['## What people added', '', ...bullets];
}

function related(record: IncidentRecord): string[] {
  if (record.related.length === 0) return [];
  return [
    '## At the same time',
    '',
    'Overlap in time and place; not proof of a cause.',
    '',
    ...record.related.map(
      (entry) =>
        `- ${entry.startedAt ? `${clock(entry.startedAt)}: ` : ''}${plain(entry.headline)} (${plain(entry.reason)})`,
    ),
  ];
}

function scope({ incident }: IncidentRecord, { external, subscriptions }: RenderOptions): string[] {
  if (external || incident.subscriptions.length === 0) return [];
  const names = incident.subscriptions.map((id) => {
    const name = subscriptions.get(id)?.name;
    return name ? plain(name) : `\`${id}\``;
  });
  const rest = names.length - NAMED_MAX;
  return ['## Subscriptions', '', `${names.slice(0, NAMED_MAX).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}.`];
}

function legend({ timeline }: IncidentRecord): string[] {
  const voices = [...new Set(timeline.map((entry) => entry.voice))];
  const order: Voice[] = ['microsoft', 'source', 'relay', 'person'];
  return [
    '## Whose word is whose',
    '',
    ...order.filter((voice) => voices.includes(voice)).map((voice) => `- ${VOICE_WORDS[voice]}`),
  ];
}

function textOf(entry: Entry): string {
  return typeof entry.data['text'] === 'string' ? entry.data['text'].trim() : '';
}

function quote(text: string): string[] {
  return text.split('\n').map((line) => `> ${plain(line)}`.trimEnd());
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => inline(cell).replaceAll('|', String.raw`\|`)).join(' | ')} |`;
}

function inline(text: string): string {
  return plain(text).replaceAll(/\s+/g, ' ');
}

/** Foreign text must not become markup of the reader's document. */
function plain(text: string): string {
  return text
    .replaceAll(/[\\<>*_`[\]#~]/g, String.raw`\$&`)
    .replace(/^(\s*)(\d+)([.)]) /, String.raw`$1$2\$3 `)
    .replace(/^(\s*)([-+=]) /, String.raw`$1\$2 `);
}
