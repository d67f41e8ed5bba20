/** HTML to print or to attach: one file, nothing loaded from outside, no script. */
import { escapeHtml as e, sanitizeHtml } from '#src/text/sanitize.ts';
import { axisSvg } from '#src/web/axis.ts';
import type { Entry, IncidentRecord } from '../incidents-record.ts';
import { ledgerOf } from './ledger.ts';
import { PRINT_STYLE } from './print-style.ts';
import type { RenderOptions } from './render.ts';
import { changesOf, condense, saysAll } from './runs.ts';
import { VOICE_WORDS, type Voice } from './voice.ts';
import { clock, factsOf, momentsOf } from './words.ts';

/** Renders the record. */
export function htmlOf(record: IncidentRecord, options: RenderOptions): string {
  const { incident } = record;
  const body = [
    `<h1>${e(incident.headline)}</h1>`,
    `<p class="dim">${notes(record, options).join(' ')}</p>`,
    `<dl>${factsOf(record)
      .map(([label, value]) => `<dt>${e(label)}</dt><dd>${e(value)}</dd>`)
      .join('')}</dl>`,
    axisSvg({ ...incident, now: record.at ?? incident.lastSeenAt, entries: record.timeline }),
    section(
      'When',
      table(
        ['', 'Time', 'How long', 'Whose word'],
        momentsOf(record).map((m) => [m.label, m.at === null ? m.none : clock(m.at), m.took ?? '', m.voice]),
      ),
    ),
    section('What happened', story(record)),
    options.external ? '' : section('Who was told', told(record)),
    record.related.length === 0
      ? ''
      : section(
          'At the same time',
          `<p class="dim">Overlap in time and place; not proof of a cause.</p><ul>${record.related.map((r) => `<li>${e(r.headline)} (${e(r.reason)})</li>`).join('')}</ul>`,
        ),
    options.external || incident.subscriptions.length === 0
      ? ''
      : section(
          'Subscriptions',
          `<ul class="columns">${incident.subscriptions.map((id) => `<li>${e(options.subscriptions.get(id)?.name ?? id)}</li>`).join('')}</ul>`,
        ),
    section(
      'Whose word is whose',
      `<ul>${(Object.keys(VOICE_WORDS) as Voice[]).map((voice) => `<li class="${voice}">${e(VOICE_WORDS[voice])}</li>`).join('')}</ul>`,
    ),
  ];
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${e(incident.headline)}</title><style>${PRINT_STYLE}</style></head><body>\n${body.filter((part) => part !== '').join('\n')}\n</body></html>\n`;
}

function notes(record: IncidentRecord, { external }: RenderOptions): string[] {
  return [
    'All times are UTC.',
    ...(record.at === null ? [] : [`As known at ${clock(record.at)}.`]),
    ...(external ? ['Without people, subscriptions and destinations.'] : []),
    ...(record.withheld ? ['The text of this security post is withheld.'] : []),
  ];
}

function section(title: string, body: string): string {
  return `<section><h2>${title}</h2>${body}</section>`;
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = heads.map((name) => `<th>${name}</th>`).join('');
  return `<table><thead><tr>${head}</tr></thead><tbody>${rows.map((cells) => `<tr>${cells.map((cell) => `<td>${e(cell)}</td>`).join('')}</tr>`).join('\n')}</tbody></table>`;
}

function story({ timeline }: IncidentRecord): string {
  const rows = condense(timeline).map(({ entries: [first, ...more], words }) => {
    const details = more.length > 0 ? '' : changes(first) + said(first);
    return `<tr class="${first.voice}"><td class="when">${clock(first.at)}</td><td>${e(first.who)}</td><td>${e(words)}${details}</td></tr>`;
  });
  return `<table><thead><tr><th>Time</th><th>Whose word</th><th>What</th></tr></thead><tbody>${rows.join('\n')}</tbody></table>`;
}

function changes(entry: Entry): string {
  const list = changesOf(entry);
  return list.length === 0 ? '' : `<ul>${list.map((change) => `<li>${e(change)}</li>`).join('')}</ul>`;
}

function said(entry: Entry): string {
  const { html, text } = entry.data;
  if (entry.kind === 'communication' && typeof html === 'string' && html !== '')
    return `<blockquote>${sanitizeHtml(html)}</blockquote>`;
  return entry.voice === 'person' && typeof text === 'string' && text !== '' && !saysAll(entry)
    ? `<blockquote>${e(text)}</blockquote>`
    : '';
}

function told({ deliveries }: IncidentRecord): string {
  if (deliveries.length === 0) return '<p>Nobody: no route wants this kind of news.</p>';
  const rows = ledgerOf(deliveries).map((line) => [
    `${line.destination} (${line.type})`,
    line.firstToldAt === null ? 'not yet' : clock(line.firstToldAt),
    line.lastToldAt === null ? '' : clock(line.lastToldAt),
    String(line.messages),
    String(line.failures),
    line.standing,
    line.receipt ?? '',
  ]);
  return table(['Destination', 'First told', 'Last told', 'Messages', 'Failed tries', 'Standing', 'Receipt'], rows);
}
