/** Where an incident is: subscriptions by name, resources, and who told us of each. */
import { html } from 'hono/html';
import type { IncidentRecord } from '#src/api/incidents-record.ts';
import type { SubscriptionInfo } from '#src/config/types.ts';
import type { ProvenanceRow } from '#src/db/reads.ts';
import { moment, type Html } from './layout.ts';

/** Longer lists begin closed. */
const SHOWN_OPEN_MAX = 8;
/** A page that lists thousands helps nobody; the API has them all. */
const LISTED_MAX = 500;

/** Named subscriptions first, then ids, each with its first sight. */
export function scopeSection(record: IncidentRecord, names: ReadonlyMap<string, SubscriptionInfo>): Html {
  const { incident, provenance } = record;
  const told = Map.groupBy(provenance, (row) => row.subscription);
  const rows = incident.subscriptions
    .map((id) => ({ id, known: names.get(id), told: told.get(id) ?? [] }))
    .toSorted((a, b) => (a.known?.name ?? '~').localeCompare(b.known?.name ?? '~') || (a.id < b.id ? -1 : 1));
  if (rows.length === 0 && incident.resources.length === 0) return html``;
  return html`<section aria-labelledby="scope">
    <h2 id="scope">Scope</h2>
    ${
      rows.length === 0
        ? ''
        : html`<details data-key="subscriptions" ${rows.length <= SHOWN_OPEN_MAX ? 'open' : ''}>
            <summary>${rows.length} subscription${rows.length === 1 ? '' : 's'}</summary>
            <table class="list">
              <thead>
                <tr>
                  <th scope="col">Subscription</th>
                  <th scope="col">Team</th>
                  <th scope="col">First told</th>
                  <th scope="col">By</th>
                </tr>
              </thead>
              <tbody>
                ${rows.slice(0, LISTED_MAX).map(
                  ({ id, known, told }) =>
                    html`<tr>
                      <td class="wide">
                        ${known?.name ? html`${known.name} <span class="dim id">${id}</span>` : html`<span class="id">${id}</span>`}
                      </td>
                      <td>${[known?.team, known?.environment].filter(Boolean).join(', ')}</td>
                      <td>${moment(told[0]?.firstSeenAt ?? null)}</td>
                      <td>${tellers(told)}</td>
                    </tr>`,
                )}
              </tbody>
            </table>
            ${rows.length > LISTED_MAX ? html`<p class="dim">and ${rows.length - LISTED_MAX} more, in the API</p>` : ''}
          </details>`
    }
    ${
      incident.resources.length === 0
        ? ''
        : html`<details data-key="resources" ${incident.resources.length <= SHOWN_OPEN_MAX ? 'open' : ''}>
            <summary>${incident.resources.length} resource${incident.resources.length === 1 ? '' : 's'}</summary>
            <ul>
              ${incident.resources.slice(0, LISTED_MAX).map((id) => html`<li class="id">${id}</li>`)}
            </ul>
          </details>`
    }
  </section>`;
}

function tellers(told: readonly ProvenanceRow[]): string {
  const words = told.map((row) => `${row.source}, ${row.schema}${row.rule ? `, ${row.rule.split('/').at(-1)}` : ''}`);
  const distinct = [...new Set(words)];
  return distinct.slice(0, 3).join('; ') + (distinct.length > 3 ? ` and ${distinct.length - 3} more` : '');
}
