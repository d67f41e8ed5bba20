/**
 * The HTML part of a mail. Mail programs know tables and inline styles and little else; one column of at most 640
 * pixels with text of 16 reads on a phone without zooming. Nothing is loaded from anywhere.
 */
import type { DestinationView } from '#src/core/adapter.ts';
import { sanitizeHtml } from '#src/text/html.ts';
import { escapeHtml } from '#src/text/sanitize.ts';
import type { Fact, MessageParts } from '../shared/message.ts';
import type { Tone } from '../shared/stage.ts';
import { timeIn } from '../shared/time.ts';

/** Background of the head; white text on each has a contrast of at least 4.5 to 1 (WCAG 2.2, 1.4.3). */
const COLOURS: Record<Tone, string> = {
  good: '#1a7f37',
  attention: '#b42318',
  warning: '#9a5b00',
  accent: '#0b5cad',
  neutral: '#4b5563',
};
const FONT = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";
const TABLE = 'role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"';
/** Wraps ids and URLs that are wider than a phone. */
const WRAP = 'overflow-wrap:anywhere;word-break:break-word';

/** A whole document. Everything from outside is escaped, Microsoft's post is sanitised. */
export function renderHtml(parts: MessageParts, destination: DestinationView): string {
  const { communication } = parts;
  const rows = [
    head(parts),
    ...parts.notices.map((notice) => row(`<em>${escapeHtml(notice)}</em>`)),
    row(factTable(parts.facts, 'where')),
    section('What changed', bullets(parts.changes)),
    row(factTable(parts.facts, 'ours')),
    section('Note', parts.note === null || parts.note === '' ? '' : escapeHtml(parts.note).replaceAll('\n', '<br />')),
    // Above Microsoft's text: a long one would put them sixteen screens down on a phone.
    row(buttons(parts)),
    communication === null
      ? ''
      : section(
          'What Microsoft says',
          `<div style="color:#57606a;font-size:14px">${escapeHtml(timeIn(communication.at, destination.timezone))}</div>` +
            `<p style="margin:8px 0"><strong>${escapeHtml(communication.title)}</strong></p>` +
            `<div style="${WRAP}">${sanitizeHtml(communication.html)}</div>`,
        ),
    row(factTable(parts.facts, 'more')),
  ];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${escapeHtml(parts.headline)}</title></head>
<body style="margin:0;padding:0;background:#f3f4f6">
<div style="display:none;max-height:0;overflow:hidden">${escapeHtml(preview(parts))}</div>
<table ${TABLE}><tr><td align="center" style="padding:12px 8px">
<table ${TABLE} style="max-width:640px;background:#ffffff;border-radius:6px;${FONT};font-size:16px;line-height:1.5;color:#1f2328">
${rows.filter((part) => part !== '').join('\n')}
</table></td></tr></table></body></html>
`;
}

/** What a phone shows beside the subject, which never says the stage. */
function preview(parts: MessageParts): string {
  return [parts.stageLine, ...parts.notices, ...parts.changes].join(' · ').slice(0, 300).toWellFormed();
}

function head(parts: MessageParts): string {
  return (
    `<tr><td bgcolor="${COLOURS[parts.tone]}" style="padding:14px 16px;background:${COLOURS[parts.tone]};color:#ffffff;border-radius:6px 6px 0 0;${WRAP}">` +
    `<div style="font-size:14px;font-weight:600">${escapeHtml(parts.stageLine)}</div>` +
    `<div style="font-size:18px;font-weight:600;line-height:1.35">${escapeHtml(parts.headline)}</div></td></tr>`
  );
}

function row(content: string): string {
  return content === '' ? '' : `<tr><td style="padding:10px 16px">${content}</td></tr>`;
}

function section(title: string, content: string): string {
  return content === ''
    ? ''
    : row(`<div style="font-weight:600;color:#0b5cad;padding-bottom:2px">${title}</div>${content}`);
}

function bullets(sentences: readonly string[]): string {
  if (sentences.length === 0) return '';
  return `<ul style="margin:0;padding-left:20px">${sentences.map((sentence) => `<li>${escapeHtml(sentence)}</li>`).join('')}</ul>`;
}

/** Label above value: two columns leave no room for a value on a phone. */
function factTable(facts: readonly Fact[], group: Fact['group']): string {
  const shown = facts.filter((fact) => fact.group === group);
  if (shown.length === 0) return '';
  const rows = shown.map(
    ({ label, value }) =>
      `<tr><td style="padding:3px 0;${WRAP}"><span style="color:#57606a;font-size:14px">${escapeHtml(label)}</span><br />${escapeHtml(value)}</td></tr>`,
  );
  return `<table ${TABLE}>${rows.join('')}</table>`;
}

function buttons({ links }: MessageParts): string {
  const style =
    'display:inline-block;margin:4px 8px 4px 0;padding:10px 14px;background:#0b5cad;color:#ffffff;border-radius:4px;text-decoration:none';
  return links
    .map(
      ({ label, url }) =>
        `<a href="${escapeHtml(url)}" rel="noopener noreferrer" style="${style}">${escapeHtml(label)}</a>`,
    )
    .join('');
}
