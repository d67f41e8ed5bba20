/** What is going on now, and lately. Every filter stands in the address, so that a view can be sent to somebody. */
import { html } from 'hono/html';
import type { Caller } from '#src/api/auth.ts';
import { durationWords } from '#src/api/exports/words.ts';
import { severityRank, type Severity } from '#src/core/signal.ts';
import type { IncidentListRow } from '#src/db/incident-list.ts';
import type { OddSignalRow } from '#src/db/reads.ts';
import type { QuietNow } from '#src/api/silences.ts';
import { ago, layout, moment, stateBadge, type Html } from './layout.ts';
import { quietBanner } from './quiet-banner.ts';

export interface ListPageData {
  caller: Caller;
  now: Date;
  /** As in the address. */
  filters: Readonly<Record<string, string>>;
  open: readonly IncidentListRow[];
  over: readonly IncidentListRow[];
  /** Address of the next page of what is over. */
  next: string | null;
  tests: readonly OddSignalRow[];
  quiet: QuietNow;
}

const KINDS = ['outage', 'maintenance', 'advisory', 'security', 'resource', 'alert', 'change', 'unrecognised'];
const STATES = ['planned', 'active', 'resolved', 'closed'];
const TEXT_FILTERS = [
  ['service', 'Service'],
  ['region', 'Region'],
  ['subscription', 'Subscription id'],
  ['source', 'Source'],
] as const;

/** The page. */
export function listPage(data: ListPageData): Html {
  const { caller, filters, open, over, now } = data;
  const filtered = Object.keys(filters).length > 0;
  return layout(
    { title: 'Incidents', caller, here: '/', live: '' },
    html`<h1 class="visually-hidden">Incidents</h1>
      ${filterForm(filters)}
      <div id="live">
        ${quietBanner(data.quiet)} ${testList(data.tests, now)}
        <section aria-labelledby="now">
          <h2 id="now">Going on now ${open.length > 0 ? html`<span class="dim">${open.length}</span>` : ''}</h2>
          ${open.length === 0 ? html`<p class="quiet-line">${filtered ? 'Nothing open fits these filters.' : 'Nothing. All is quiet.'}</p>` : rows(worstFirst(open), now)}
        </section>
        <section aria-labelledby="lately">
          <h2 id="lately">Lately</h2>
          ${over.length === 0 ? html`<p class="quiet-line">${filtered ? 'Nothing fits these filters.' : 'Nothing yet. Press Test in the action group to see a signal arrive.'}</p>` : rows(over, now)}
          ${data.next ? html`<p><a href="${data.next}">Older</a></p>` : ''}
        </section>
      </div>`,
  );
}

/** What hurts most stands on top; within a severity the newest. */
function worstFirst(incidents: readonly IncidentListRow[]): IncidentListRow[] {
  const rank = ({ state, severity }: IncidentListRow): number =>
    state === 'planned' ? 4 : 3 - severityRank(severity as Severity);
  return incidents.toSorted((a, b) => rank(a) - rank(b));
}

function rows(incidents: readonly IncidentListRow[], now: Date): Html {
  return html`<table class="list">
    <thead>
      <tr>
        <th scope="col">State</th>
        <th scope="col">Incident</th>
        <th scope="col">Stage</th>
        <th scope="col" class="num">Subscriptions</th>
        <th scope="col">First seen (UTC)</th>
        <th scope="col">Lasts</th>
      </tr>
    </thead>
    <tbody>
      ${incidents.map(
        (incident) =>
          html`<tr>
            <td class="short">
              ${stateBadge(incident.state, incident.severity)} <span class="dim small">${incident.severity}</span>
            </td>
            <td class="wide"><a href="/incidents/${incident.id}">${incident.headline}</a></td>
            <td>${incident.stage ?? ''}</td>
            ${incident.subscriptionCount > 0 ? html`<td class="num" data-label="subscriptions">${incident.subscriptionCount}</td>` : html`<td></td>`}
            <td>${moment(incident.firstSeenAt)}</td>
            ${lasts(incident, now) === '' ? html`<td></td>` : html`<td data-label="lasts" class="short">${lasts(incident, now)}</td>`}
          </tr>`,
      )}
    </tbody>
  </table>`;
}

/** From the start of impact to its end, or to now. */
function lasts(incident: IncidentListRow, now: Date): string {
  const from = Date.parse(incident.startedAt ?? incident.firstSeenAt);
  const end = incident.mitigatedAt ?? incident.resolvedAt ?? incident.closedAt;
  const to = incident.state === 'active' ? now.getTime() : end === null ? Number.NaN : Date.parse(end);
  return to > from ? durationWords((to - from) / 1000) : '';
}

function testList(tests: readonly OddSignalRow[], now: Date): Html {
  if (tests.length === 0) return html``;
  return html`<section class="tests" aria-labelledby="tests">
    <h2 id="tests">Test notifications</h2>
    <ul>
      ${tests.map((test) => html`<li><span class="badge info">test</span> ${test.title} <span class="dim">from ${test.source}, ${ago(test.receivedAt, now)}</span></li>`)}
    </ul>
  </section>`;
}

function filterForm(filters: Readonly<Record<string, string>>): Html {
  const more = ['service', 'region', 'subscription', 'source', 'from', 'to'].filter((name) => name in filters);
  return html`<form class="filter" role="search" action="/">
    <label class="grow"
      >Search
      <input name="q" type="search" value="${filters['q'] ?? ''}" placeholder="title, tracking ID, words of a post"
    /></label>
    ${choice('kind', 'Kind', { options: KINDS, chosen: filters['kind'] })}
    ${choice('state', 'State', { options: STATES, chosen: filters['state'] })}
    <button>Find</button>
    ${Object.keys(filters).length > 0 ? html`<a href="/">Clear</a>` : ''}
    <details ${more.length > 0 ? 'open' : ''}>
      <summary>More filters</summary>
      <div class="fields">
        ${TEXT_FILTERS.map(([name, label]) => html`<label>${label} <input name="${name}" value="${filters[name] ?? ''}" /></label>`)}
        <label>From (UTC) <input name="from" value="${filters['from'] ?? ''}" placeholder="2026-09-14" /></label>
        <label>To (UTC) <input name="to" value="${filters['to'] ?? ''}" placeholder="2026-09-15T12:00Z" /></label>
      </div>
    </details>
  </form>`;
}

function choice(
  name: string,
  label: string,
  { options, chosen }: { options: readonly string[]; chosen: string | undefined },
): Html {
  const known = chosen === undefined || options.includes(chosen);
  return html`<label
    >${label}
    <select name="${name}">
      <option value="">any</option>
      ${options.map((option) => html`<option ${option === chosen ? 'selected' : ''}>${option}</option>`)}
      ${known ? '' : html`<option selected>${chosen}</option>`}
    </select></label
  >`;
}
