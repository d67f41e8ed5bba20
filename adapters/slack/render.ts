/**
 * A step as a Slack message in blocks. Each block has a share of the whole, since Slack refuses the whole message for
 * one block too long; what the others leave goes to Microsoft's text.
 */
import type { DestinationView, Step } from '#src/core/adapter.ts';
import { htmlToText } from '#src/text/html.ts';
import { cutCodePoints } from '../shared/cut.ts';
import { describe, type Fact, type MessageParts } from '../shared/message.ts';
import type { Tone } from '../shared/stage.ts';
import { timeIn } from '../shared/time.ts';
import { escapeMrkdwn, fitEscaped, fitMrkdwn, mrkdwnLink } from './mrkdwn.ts';

/** UTF-16 units. A header takes 150, a section 3,000, all blocks together about 13,000 (destinations 6). */
export const HEADER_CHARS_MAX = 150;
export const SECTION_CHARS_MAX = 2_900;
export const TOTAL_CHARS_MAX = 12_500;
const SHARE = { stage: 700, where: 1_800, changes: 1_800, ours: 2_600, title: 300, note: 700, more: 1_000 };
/** A paragraph's end is looked for within this share of a section. */
const BREAK_SHARE = 0.6;

const DOTS: Record<Tone, string> = {
  good: ':large_green_circle:',
  attention: ':red_circle:',
  warning: ':large_orange_circle:',
  accent: ':large_blue_circle:',
  neutral: ':white_circle:',
};

interface Section {
  type: 'section';
  text: { type: 'mrkdwn'; text: string; verbatim: true };
}
interface Header {
  type: 'header';
  text: { type: 'plain_text'; text: string; emoji: false };
}

export interface SlackMessage {
  /** For notifications and for clients without blocks. */
  text: string;
  blocks: (Header | Section)[];
  unfurl_links: false;
  unfurl_media: false;
}

/** The whole message, within Slack's limits; links are never cut. */
export function renderMessage(step: Step, options: { destination: DestinationView }): SlackMessage {
  const parts = describe(step, options);
  const stage = `${DOTS[parts.tone]} *${escapeMrkdwn(parts.stageLine)}*`;
  const before = [
    [stage, fitMrkdwn(parts.notices.join('\n'), SHARE.stage)].filter((text) => text !== '').join('\n'),
    factLines(parts.facts, { group: 'where', unitsMax: SHARE.where }),
    titled('What changed', fitMrkdwn(parts.changes.map((change) => `• ${change}`).join('\n'), SHARE.changes)),
    factLines(parts.facts, { group: 'ours', unitsMax: SHARE.ours }),
    titled('Note', fitMrkdwn(parts.note ?? '', SHARE.note)),
    // Slack folds a long message up: what is to be clicked must stand above Microsoft's text.
    ...linkTexts(parts),
  ];
  const after = [factLines(parts.facts, { group: 'more', unitsMax: SHARE.more })];
  const used = HEADER_CHARS_MAX + [...before, ...after].reduce((sum, text) => sum + text.length, 0);
  const post = postTexts(parts, { timezone: options.destination.timezone, unitsMax: TOTAL_CHARS_MAX - used });
  return {
    text: fitMrkdwn(`${parts.stageLine}: ${parts.headline}`, SHARE.title),
    blocks: [header(parts.headline), ...[...before, ...post, ...after].filter((text) => text !== '').map(section)],
    unfurl_links: false,
    unfurl_media: false,
  };
}

/** Title and text of Microsoft's post, in as many sections as it needs. */
function postTexts({ communication }: MessageParts, options: { timezone: string; unitsMax: number }): string[] {
  if (communication === null) return [];
  const title = cutCodePoints(htmlToText(communication.title), SHARE.title / 2);
  const at = `*What Microsoft says* (${escapeMrkdwn(timeIn(communication.at, options.timezone))})`;
  const head = title === '' ? at : `${at}\n*${escapeMrkdwn(title)}*`;
  const body = fitMrkdwn(htmlToText(communication.html), Math.max(0, options.unitsMax - head.length));
  return [head, ...split(body)];
}

/** Sections of at most 2,900 units, broken at a line's end where one is near, never within a link. */
function split(text: string): string[] {
  const sections: string[] = [];
  let rest = text.trim();
  while (rest.length > SECTION_CHARS_MAX) {
    const window = rest.slice(0, SECTION_CHARS_MAX);
    const line = window.lastIndexOf('\n');
    const space = window.lastIndexOf(' ');
    const at = line > SECTION_CHARS_MAX * BREAK_SHARE ? line : space > 0 ? space : safeEnd(window);
    sections.push(rest.slice(0, at).trim());
    rest = rest.slice(at).trim();
  }
  return [...sections, rest];
}

/** Text without any space: not within a surrogate pair, an escape or a link. */
function safeEnd(window: string): number {
  const open = Math.max(window.lastIndexOf('&', window.length), window.lastIndexOf('<'));
  const closed = Math.max(window.lastIndexOf(';'), window.lastIndexOf('>'));
  if (open > closed && open > 0) return open;
  const last = window.charCodeAt(window.length - 1);
  return last >= 0xd800 && last <= 0xdbff ? window.length - 1 : window.length;
}

function factLines(facts: readonly Fact[], { group, unitsMax }: { group: Fact['group']; unitsMax: number }): string {
  const shown = facts.filter((fact) => fact.group === group);
  let left = unitsMax;
  const lines: string[] = [];
  for (const { label, value } of shown) {
    const name = `*${escapeMrkdwn(label)}:* `;
    const room = left - name.length - 1;
    // A value of which less than this is left tells nothing.
    if (room < 30) return [...lines, `… [cut] ${shown.length - lines.length} more`].join('\n');
    const line = name + fitMrkdwn(value, Math.min(room, unitsMax / 2));
    lines.push(line);
    left -= line.length + 1;
  }
  return lines.join('\n');
}

/** One line of links, or one section each where an address is very long. */
function linkTexts({ links }: MessageParts): string[] {
  const texts = links
    .map(({ label, url }) => mrkdwnLink(label, url))
    .filter((text) => text.length <= SECTION_CHARS_MAX);
  const line = texts.join('  |  ');
  return line.length <= SECTION_CHARS_MAX ? [line] : texts;
}

function titled(title: string, text: string): string {
  return text === '' ? '' : `*${title}*\n${text}`;
}

function header(headline: string): Header {
  return { type: 'header', text: { type: 'plain_text', text: fitEscaped(headline, HEADER_CHARS_MAX), emoji: false } };
}

function section(text: string): Section {
  return { type: 'section', text: { type: 'mrkdwn', text, verbatim: true } };
}
