/** The story of an incident, oldest first. Runs of our own routine entries are one line that opens. */
import { html, raw } from 'hono/html';
import { changesOf, condense, saysAll, summaryOf, type Line } from '#src/api/exports/runs.ts';
import { clock } from '#src/api/exports/words.ts';
import type { Entry } from '#src/api/incidents-record.ts';
import { sanitizeHtml } from '#src/text/html.ts';
import type { Html } from './layout.ts';

/** A list of entries; each says whose word it is. */
export function story(entries: readonly Entry[]): Html {
  if (entries.length === 0) return html`<p>Nothing was known yet.</p>`;
  return html`<ol class="story">
    ${condense(entries).map((line) => (line.entries.length > 1 ? routine(line) : entry(line)))}
  </ol>`;
}

function routine({ entries, words, failed }: Line): Html {
  const [first] = entries;
  return html`<li class="relay${failed ? ' failed' : ''}">
    ${when(first)}
    <div>
      <details data-key="run-${first.id}">
        <summary>${words}</summary>
        <ul>
          ${entries.map((item) => html`<li>${summaryOf(item)} <span class="dim">${item.at.slice(11, 19)}</span></li>`)}
        </ul>
      </details>
    </div>
  </li>`;
}

function entry({ entries: [item], words, failed }: Line): Html {
  const changes = changesOf(item);
  return html`<li class="${item.voice}${failed ? ' failed' : ''}" id="e${item.id}">
    ${when(item)}
    <div>
      <span class="who">${item.who}</span> ${words}
      ${item.data['late'] === true ? html`<span class="badge">late</span>` : ''}
      ${typeof item.data['corrects'] === 'number' ? html`<a href="#e${item.data['corrects']}">the entry that this corrects</a>` : ''}
      ${
        changes.length > 0
          ? html`<ul class="changes">
              ${changes.map((change) => html`<li>${change}</li>`)}
            </ul>`
          : ''
      }
      ${said(item)}
    </div>
  </li>`;
}

function when(item: Entry): Html {
  return html`<div class="when">
    <time datetime="${item.at}">${clock(item.at)}</time>
    ${item.voice === 'relay' || !isLater(item) ? '' : html`<span class="dim" title="when we knew">known ${known(item)}</span>`}
  </div>`;
}

/** Known more than two minutes after it happened: worth saying in a review. */
function isLater(item: Entry): boolean {
  return Date.parse(item.recordedAt) - Date.parse(item.at) > 120_000;
}

function known({ at, recordedAt }: Entry): string {
  return at.slice(0, 10) === recordedAt.slice(0, 10) ? recordedAt.slice(11, 16) : clock(recordedAt);
}

function said(item: Entry): Html {
  const { html: post, text } = item.data;
  if (item.data['withheld'] === true && item.kind === 'communication') return html`<p class="dim">Text withheld.</p>`;
  if (item.kind === 'communication' && typeof post === 'string' && post !== '')
    return html`<details class="post" data-key="post-${item.id}">
      <summary>Full text</summary>
      <div class="said">${raw(sanitizeHtml(post))}</div>
    </details>`;
  const own = item.voice === 'person' && typeof text === 'string' && !saysAll(item);
  return own ? html`<div class="said pre">${text}</div>` : html``;
}
