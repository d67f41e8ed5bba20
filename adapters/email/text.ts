/** The text part of a mail: what watches, terminals and search see. */
import type { DestinationView } from '#src/core/adapter.ts';
import { htmlToText } from '#src/text/html.ts';
import type { Fact, MessageParts } from '../shared/message.ts';
import { timeIn } from '../shared/time.ts';

/** Stage first, then what and where, what changed, who of us is hit and what to do, links, what Microsoft says, the rest. */
export function renderText(parts: MessageParts, destination: DestinationView): string {
  const { communication, note } = parts;
  const sections = [
    [parts.stageLine, parts.headline, ...parts.notices].join('\n'),
    factLines(parts.facts, 'where'),
    titled('What changed', parts.changes.map((change) => `- ${change}`).join('\n')),
    factLines(parts.facts, 'ours'),
    titled('Note', note ?? ''),
    parts.links.map(({ label, url }) => `${label}: ${url}`).join('\n'),
    communication === null
      ? ''
      : titled(
          `What Microsoft says (${timeIn(communication.at, destination.timezone)})`,
          [htmlToText(communication.title), htmlToText(communication.html)].filter((part) => part !== '').join('\n\n'),
        ),
    factLines(parts.facts, 'more'),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function titled(title: string, text: string): string {
  return text === '' ? '' : `${title}\n${'-'.repeat(title.length)}\n${text}`;
}

function factLines(facts: readonly Fact[], group: Fact['group']): string {
  return facts
    .filter((fact) => fact.group === group)
    .map(({ label, value }) => `${label}: ${value}`)
    .join('\n');
}
