/** One incident: what it is, when what happened, the story, who was told what and whether it arrived. */
import { html, raw } from 'hono/html';
import type { Caller } from '#src/api/auth.ts';
import { clock, factsOf, momentsOf } from '#src/api/exports/words.ts';
import type { IncidentRecord } from '#src/api/incidents-record.ts';
import type { QuietNow } from '#src/api/silences.ts';
import type { RelayConfig } from '#src/config/types.ts';
import { sanitizeHtml } from '#src/text/html.ts';
import { axisSvg } from './axis.ts';
import { evidenceSection } from './incident-evidence.ts';
import { ledger } from './incident-ledger.ts';
import { scopeSection } from './incident-scope.ts';
import { story } from './incident-story.ts';
import { layout, stateBadge, type Html } from './layout.ts';
import { quietBanner } from './quiet-banner.ts';

export interface IncidentPageData {
  record: IncidentRecord;
  caller: Caller;
  config: Pick<RelayConfig, 'subscriptions'>;
  now: Date;
  /** Null on the page as of a moment. */
  quiet: QuietNow | null;
}

/** The page. As of a moment it stands still and offers nothing to press. */
export function incidentPage({ record, caller, config, now, quiet }: IncidentPageData): Html {
  const { incident, at } = record;
  const acts = caller.role === 'operate' && at === null;
  return layout(
    { title: incident.headline, caller, here: '', live: at === null ? incident.id : null },
    html`<div id="live">
        ${at === null ? '' : html`<p class="alert" role="note">As known at ${clock(at)} UTC. <a href="/incidents/${incident.id}">Show as known now</a></p>`}
        <h1>${incident.headline}</h1>
        ${quiet === null ? '' : quietBanner(quietHere(quiet, record))}
        <p class="under">
          ${stateBadge(incident.state, incident.severity)} ${stageWords(incident)}
          ${record.withheld ? html`<span class="badge">need to know</span>` : ''}
        </p>
        ${record.withheld ? html`<p class="alert">This is a security post. You see its title and scope; its text is for others.</p>` : ''}
        ${clockStrip(record)}
        <div class="axis-box" tabindex="0" role="region" aria-label="Time axis">
          ${raw(axisSvg({ ...incident, now: at ?? now.toISOString(), entries: record.timeline }))}
        </div>
        ${axisKey()} ${latestWord(record)} ${evidenceSection(record)}
        <section aria-labelledby="story">
          <h2 id="story">Story</h2>
          ${story(record.timeline)}
        </section>
        <section aria-labelledby="told">
          <h2 id="told">Who was told</h2>
          ${ledger(record.deliveries, { acts })}
        </section>
        ${related(record)} ${scopeSection(record, config.subscriptions)}
      </div>
      ${acts ? noteForm(incident.id) : ''} ${documents(record)}`,
  );
}

/** The silences that its timeline names; the switch concerns every incident. */
function quietHere({ silences, passThrough }: QuietNow, { timeline }: IncidentRecord): QuietNow {
  const named = new Set(timeline.map((entry) => entry.data['silence']));
  return { silences: silences.filter((one) => named.has(one.id)), passThrough };
}

function stageWords({ stage, state }: IncidentRecord['incident']): string {
  return stage !== null && stage.toLowerCase() !== state ? stage : '';
}

function clockStrip(record: IncidentRecord): Html {
  const facts = factsOf(record).filter(([label]) => label !== 'State');
  return html`<dl class="facts">
      ${facts.map(
        ([label, value]) =>
          html`<div>
            <dt>${label}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
      ${Object.entries(record.incident.details).map(
        ([label, value]) =>
          html`<div>
            <dt>${label}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
    </dl>
    <ol class="clocks" aria-label="When, in UTC">
      ${momentsOf(record).map(
        ({ label, at, none, took }) =>
          html`<li class="${at === null ? 'open' : ''}">
            <span class="label">${label}</span>
            ${at === null ? html`<span class="dim">${none}</span>` : html`<time datetime="${at}">${clock(at)}</time>`}
            <span class="dim">${took ?? ''}</span>
          </li>`,
      )}
    </ol>`;
}

function axisKey(): Html {
  return html`<p class="key dim">
    <span class="dot said"></span> said <span class="dot good"></span> accepted <span class="dot bad">✕</span> failed
    <span class="dot ack"></span> acknowledged <span class="dot person"></span> note; a number is that many at once
  </p>`;
}

/** What a person on call looks for first. */
function latestWord({ timeline }: IncidentRecord): Html {
  const latest = timeline.findLast((entry) => entry.kind === 'communication' && typeof entry.data['html'] === 'string');
  if (!latest) return html``;
  return html`<section aria-labelledby="latest" class="latest">
    <h2 id="latest">Latest from Microsoft <span class="dim">${clock(latest.at)}</span></h2>
    <div class="said">${raw(sanitizeHtml(String(latest.data['html'])))}</div>
  </section>`;
}

function related(record: IncidentRecord): Html {
  if (record.related.length === 0) return html``;
  return html`<section aria-labelledby="related">
    <h2 id="related">At the same time</h2>
    <p class="dim">Overlap in time and place; not proof of a cause.</p>
    <ul>
      ${record.related.map((entry) => html`<li>${stateBadge(entry.state, entry.severity)} <a href="/incidents/${entry.id}">${entry.headline}</a> <span class="dim">${entry.reason}</span></li>`)}
    </ul>
  </section>`;
}

function noteForm(id: string): Html {
  return html`<section aria-labelledby="add" class="no-print">
    <h2 id="add">Add to the record</h2>
    <form method="post" action="/incidents/${id}/notes" class="stack">
      <label>Note <textarea name="text" rows="3" maxlength="10000"></textarea></label>
      <p>
        <button name="event" value="note">Add note</button>
        <button name="event" value="correction" class="quiet">Add as correction</button>
        <button name="event" value="acknowledged" class="quiet">I am on it</button>
      </p>
    </form>
  </section>`;
}

function documents({ incident, at }: IncidentRecord): Html {
  const query = at === null ? '' : `&at=${encodeURIComponent(at)}`;
  const link = (format: string, words: string, more: string = ''): Html =>
    html`<a href="/v1/incidents/${incident.id}/timeline?format=${format}${more}${raw(query)}">${words}</a>`;
  return html`<section aria-labelledby="documents" class="no-print">
    <h2 id="documents">For the review</h2>
    <p class="links">
      ${link('markdown', 'Markdown')} ${link('html', 'To print')} ${link('csv', 'CSV')} ${link('json', 'JSON')}
      ${link('markdown', 'Markdown for outside', '&audience=external')}
      ${link('html', 'To print for outside', '&audience=external')}
    </p>
    <form action="/incidents/${incident.id}" class="filter">
      <label
        >As known at (UTC)
        <input
          name="at"
          value="${at === null ? '' : clock(at)}"
          placeholder="2026-09-14 09:14"
          required
          pattern="\\d{4}-\\d\\d-\\d\\d[T ]\\d\\d:\\d\\d.*"
      /></label>
      <button>Show</button>
    </form>
  </section>`;
}
