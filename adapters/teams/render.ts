/**
 * A step as an Adaptive Card that a person reads on a phone: what and how it stands, where and since when, what
 * changed, who of us is hit and what to do, what Microsoft says, then the rest; buttons at the end.
 */
import type { DestinationView, Step } from '#src/core/adapter.ts';
import { htmlToMarkdown } from '#src/text/html.ts';
import { escapeMarkdown } from '#src/text/markdown.ts';
import { describe, type Fact, type MessageParts } from '../shared/message.ts';
import type { Tone } from '../shared/stage.ts';
import { timeIn } from '../shared/time.ts';
import { renderWithin, type Texts } from './budget.ts';
import { messageOf, textBlock, type AdaptiveCard, type Container, type FactSet } from './card.ts';

const STYLES: Record<Tone, Container['style']> = {
  good: 'good',
  attention: 'attention',
  warning: 'warning',
  accent: 'accent',
  neutral: 'emphasis',
};

/** The whole body as JSON text, within the budget (budget.ts). */
export function renderCard(step: Step, options: { destination: DestinationView }): string {
  const parts = describe(step, options);
  const { communication } = parts;
  const texts: Texts = {
    headline: escapeMarkdown(parts.headline),
    changes: parts.changes.map((change) => `- ${escapeMarkdown(oneLine(change))}`).join('\n'),
    title: communication === null ? '' : escapeMarkdown(oneLine(communication.title)),
    post: communication === null ? '' : htmlToMarkdown(communication.html),
    note: escapeMarkdown(parts.note ?? ''),
    ...Object.fromEntries(
      parts.facts.flatMap(({ label, value }, i) => [
        [`label${i}`, escapeMarkdown(label)],
        [`fact${i}`, escapeMarkdown(value)],
      ]),
    ),
  };
  const at = communication === null ? '' : timeIn(communication.at, options.destination.timezone);
  return renderWithin(texts, (current) => JSON.stringify(messageOf(cardOf(parts, { texts: current, at }))));
}

interface CardTexts {
  texts: Readonly<Texts>;
  /** When Microsoft posted. */
  at: string;
}

function cardOf(
  parts: MessageParts,
  { texts, at }: CardTexts,
): Pick<AdaptiveCard, 'fallbackText' | 'body' | 'actions'> {
  const text = (key: string): string => texts[key] ?? '';
  const body: AdaptiveCard['body'] = [head(parts, text('headline'))];
  body.push(...parts.notices.map((notice) => textBlock(escapeMarkdown(notice), { isSubtle: true, spacing: 'Small' })));
  body.push(...factSet(parts.facts, { texts, group: 'where' }));
  if (text('changes') !== '') body.push(heading('What changed'), textBlock(text('changes'), { spacing: 'Small' }));
  body.push(...factSet(parts.facts, { texts, group: 'ours' }));
  if (text('note') !== '') body.push(heading('Note'), textBlock(text('note'), { spacing: 'Small' }));
  if (text('post') !== '' || text('title') !== '') {
    body.push(heading('What Microsoft says'), textBlock(at, { size: 'Small', isSubtle: true, spacing: 'None' }));
    if (text('title') !== '') body.push(textBlock(text('title'), { weight: 'Bolder', spacing: 'Small' }));
    if (text('post') !== '') body.push(textBlock(text('post'), { spacing: 'Small' }));
  }
  body.push(...factSet(parts.facts, { texts, group: 'more' }));
  return {
    fallbackText: `${parts.stageLine}: ${text('headline')}`,
    body,
    actions: parts.links.map(({ label, url }) => ({ type: 'Action.OpenUrl', title: label, url })),
  };
}

function head(parts: MessageParts, headline: string): Container {
  const stage = textBlock(escapeMarkdown(parts.stageLine), { weight: 'Bolder' });
  return {
    type: 'Container',
    style: STYLES[parts.tone],
    bleed: true,
    items: [stage, textBlock(headline, { size: 'Medium', weight: 'Bolder', spacing: 'None' })],
  };
}

function heading(text: string) {
  return textBlock(text, { weight: 'Bolder', color: 'Accent', spacing: 'Medium', separator: true });
}

function factSet(all: readonly Fact[], { texts, group }: { texts: Readonly<Texts>; group: Fact['group'] }): FactSet[] {
  const facts = all
    .map((fact, i) => ({ ...fact, title: texts[`label${i}`] ?? '', value: texts[`fact${i}`] ?? '' }))
    .filter((fact) => fact.group === group)
    .map(({ title, value }) => ({ title, value }));
  if (facts.length === 0) return [];
  return [
    group === 'where' ? { type: 'FactSet', facts } : { type: 'FactSet', facts, spacing: 'Medium', separator: true },
  ];
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}
