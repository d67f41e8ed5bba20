/** The timeline as a document: Markdown for a post-mortem, CSV for a sheet, HTML to print. */
import { minute } from '#src/core/diff.ts';
import type { IncidentListRow, TimelineRow } from '#src/db/reads.ts';

/** Whose word an entry is: the reader of a review must be able to tell. */
function voice(row: TimelineRow): string {
  if (row.kind === 'communication') return 'Microsoft';
  if (row.kind === 'note' && typeof row.data['author'] === 'string') return row.data['author'];
  return row.kind === 'state' && typeof row.data['source'] === 'string' ? row.data['source'] : 'Health Relay';
}

export interface TimelineDocument {
  type: string;
  body: string;
}

/** Renders a timeline; every entry says when, whose word it is, and what. */
export function renderTimeline(
  incident: IncidentListRow,
  rows: readonly TimelineRow[],
  format: 'markdown' | 'csv' | 'html',
): TimelineDocument {
  switch (format) {
    case 'markdown':
      return { type: 'text/markdown', body: markdown(incident, rows) };
    case 'csv':
      return { type: 'text/csv', body: csv(rows) };
    case 'html':
      return { type: 'text/html', body: html(incident, rows) };
  }
}

function facts(incident: IncidentListRow): [string, string][] {
  const pairs = incident.impacts.map((impact) =>
    impact.region ? `${impact.service} in ${impact.region}` : impact.service,
  );
  const all: [string, string | null][] = [
    ['Tracking ID', incident.trackingId],
    ['Kind', incident.kind],
    ['State', incident.state],
    ['Severity', incident.severity],
    ['Services and regions', pairs.join('; ')],
    ['Subscriptions', String(incident.subscriptionCount)],
    ['Impact started', incident.startedAt && minute(incident.startedAt)],
    ['Mitigated', incident.mitigatedAt && minute(incident.mitigatedAt)],
    ['Resolved', incident.resolvedAt && minute(incident.resolvedAt)],
    ['First signal received', minute(incident.firstSeenAt)],
  ];
  return all.filter((entry): entry is [string, string] => entry[1] !== null && entry[1] !== '');
}

function markdown(incident: IncidentListRow, rows: readonly TimelineRow[]): string {
  const lines = [
    `# ${plain(incident.headline)}`,
    '',
    ...facts(incident).map(([label, value]) => `- **${label}:** ${plain(value)}`),
    '',
    '## Timeline',
    '',
  ];
  lines.push('| Time (UTC) | Who | What |', '|---|---|---|');
  for (const row of rows)
    lines.push(`| ${minute(row.at).replace(' UTC', '')} | ${cell(voice(row))} | ${cell(row.summary)} |`);
  const posts = rows.filter(
    (row) => row.kind === 'communication' && typeof row.data['text'] === 'string' && row.data['text'] !== '',
  );
  if (posts.length > 0) lines.push('', '## What Microsoft said', '');
  for (const row of posts)
    lines.push(
      `### ${minute(row.at)}: ${plain(String(row.data['stage']))}`,
      '',
      ...quote(String(row.data['text'])),
      '',
    );
  return `${lines.join('\n')}\n`;
}

function quote(text: string): string[] {
  return text
    .trim()
    .split('\n')
    .map((line) => `> ${plain(line)}`);
}

/** Foreign text must not become markup of the reader's document. */
function plain(text: string): string {
  return text.replaceAll(/[<>*_`[\]#]/g, String.raw`\$&`);
}

function cell(text: string): string {
  return plain(text)
    .replaceAll('|', String.raw`\|`)
    .replaceAll(/\s+/g, ' ');
}

function csv(rows: readonly TimelineRow[]): string {
  const lines = [['at', 'recordedAt', 'kind', 'revision', 'who', 'summary'].join(',')];
  for (const row of rows)
    lines.push([row.at, row.recordedAt, row.kind, String(row.revision), voice(row), row.summary].map(field).join(','));
  return `${lines.join('\r\n')}\r\n`;
}

/** A leading = + - @ would be a formula in a sheet. */
function field(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function html(incident: IncidentListRow, rows: readonly TimelineRow[]): string {
  const e = escapeHtml;
  const body = rows
    .map((row) => `<tr><td>${e(minute(row.at))}</td><td>${e(voice(row))}</td><td>${e(row.summary)}</td></tr>`)
    .join('\n');
  const list = facts(incident)
    .map(([label, value]) => `<dt>${e(label)}</dt><dd>${e(value)}</dd>`)
    .join('');
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${e(incident.headline)}</title>
<style>body{font:14px/1.4 system-ui,sans-serif;margin:2em;max-width:60em}table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ccc;padding:.3em .5em;text-align:left;vertical-align:top}td:first-child{white-space:nowrap}dl{display:grid;grid-template-columns:max-content 1fr;gap:.2em 1em}dd{margin:0}</style>
</head><body><h1>${e(incident.headline)}</h1><dl>${list}</dl><table><thead><tr><th>Time</th><th>Who</th><th>What</th></tr></thead><tbody>
${body}
</tbody></table></body></html>\n`;
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
