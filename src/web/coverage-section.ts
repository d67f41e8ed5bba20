/** Coverage on the page of sources: how many subscriptions reach us, and what is wrong with the others. */
import { html } from 'hono/html';
import type { ApiDeps } from '#src/api/deps.ts';
import { COVERAGE_STATUSES, type CoverageStatus, type SubscriptionCoverage } from '#src/core/coverage.ts';
import { countByStatus, coverageLine, FINDING_WORDS } from '#src/core/coverage-words.ts';
import { ago, moment, type Html } from './layout.ts';

type CoverageView = NonNullable<ReturnType<NonNullable<ApiDeps['coverage']>>>;

/** More rows than anybody reads; the API and `relay coverage` have them all. */
const ROWS_MAX = 100;

const TONES: Readonly<Record<CoverageStatus, string>> = {
  uncovered: 'error',
  unknown: 'warning',
  weak: 'warning',
  covered: 'over',
  exempt: 'info',
};

/** Nothing where no coverage is configured. */
export function coverageSection(view: CoverageView | null, now: Date): Html {
  if (view === null) return html``;
  const { audit, unknown, takenAt, triedAt } = view;
  const pending = triedAt === null;
  return html`<h2 id="coverage">Coverage</h2>
    <p>
      ${
        unknown === null
          ? ''
          : html`<span class="badge ${pending ? 'info' : 'warning'}">${pending ? 'under way' : 'unknown'}</span>
              ${pending ? 'The first audit is on its way.' : `Nobody knows at the moment: ${unknown}.`}`
      }
      ${audit === null ? '' : html`${unknown === null ? '' : 'By the last audit: '}${coverageLine(audit)}.`}
      ${takenAt === null ? '' : html`<span class="dim">Audited ${ago(takenAt, now)}</span>`}
    </p>
    ${audit === null ? '' : html`${badges(audit)} ${findingTable(audit, now)}`}`;
}

function badges(audit: NonNullable<CoverageView['audit']>): Html {
  const counts = countByStatus(audit);
  return html`<p>
    ${COVERAGE_STATUSES.filter((status) => counts[status] > 0).map((status) => html`<span class="badge ${TONES[status]}">${counts[status]} ${status}</span> `)}
  </p>`;
}

function findingTable({ subscriptions, unlisted }: NonNullable<CoverageView['audit']>, now: Date): Html {
  const rows = subscriptions.filter((row) => row.findings.length > 0);
  if (rows.length + unlisted.length === 0) return html``;
  const more = rows.length - ROWS_MAX;
  return html`<table class="list">
      <thead>
        <tr>
          <th scope="col">Subscription</th>
          <th scope="col">Status</th>
          <th scope="col">Finding</th>
          <th scope="col">Last heard</th>
        </tr>
      </thead>
      <tbody>
        ${rows.slice(0, ROWS_MAX).map((row) => subscriptionRow(row, now))}
        ${unlisted.slice(0, ROWS_MAX).map(
          (one) =>
            html`<tr>
              <td class="wide"><strong>${one.subscription}</strong></td>
              <td><span class="badge warning">unlisted</span></td>
              <td>Sends to us, and is not among the subscriptions that Azure shows.</td>
              <td data-label="last heard">${ago(one.lastHeardAt, now)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
    ${more > 0 ? html`<p class="dim">And ${more} more: <code>relay coverage</code>, or <a href="/v1/coverage">/v1/coverage</a>.</p>` : ''}`;
}

function subscriptionRow(row: SubscriptionCoverage, now: Date): Html {
  return html`<tr>
    <td class="wide">
      <strong>${row.name ?? row.subscription}</strong>
      ${row.name === null ? '' : html`<span class="dim">${row.subscription}</span>`}
    </td>
    <td><span class="badge ${TONES[row.status]}">${row.status}</span></td>
    <td>
      ${row.findings.map(({ kind, detail }) => html`<div>${sentence(FINDING_WORDS[kind])}: <span class="dim">${detail}</span></div>`)}
    </td>
    <td data-label="last heard">
      ${row.lastHeardAt === null ? html`<span class="dim">never</span>` : html`${ago(row.lastHeardAt, now)} <span class="dim">${moment(row.lastHeardAt)}</span>`}
    </td>
  </tr>`;
}

function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
