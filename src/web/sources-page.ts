/** Who sends, when they were last heard, and what was not understood. */
import { html } from 'hono/html';
import type { Caller } from '#src/api/auth.ts';
import type { CanaryView } from '#src/api/deps.ts';
import type { ApiDeps } from '#src/api/deps.ts';
import { durationWords } from '#src/api/exports/words.ts';
import type { sourceStates } from '#src/api/status.ts';
import type { OddSignalRow } from '#src/db/reads.ts';
import { canarySection } from './canary-section.ts';
import { coverageSection } from './coverage-section.ts';
import { ago, layout, moment, type Html } from './layout.ts';

export interface SourcesPageData {
  caller: Caller;
  now: Date;
  sources: Awaited<ReturnType<typeof sourceStates>>['sources'];
  odd: readonly OddSignalRow[];
  canary: CanaryView | null;
  coverage: ReturnType<NonNullable<ApiDeps['coverage']>>;
  callbacks: readonly { vendor: string; event: string; receivedAt: string; reason: string | null }[];
}

/** The page. */
export function sourcesPage(data: SourcesPageData): Html {
  const { caller, now, sources } = data;
  return layout(
    { title: 'Sources', caller, here: '/sources', live: '' },
    html`<h1>Sources</h1>
      <div id="live">
        ${
          sources.length === 0
            ? html`<p>None yet.</p>`
            : html`<table class="list">
                <thead>
                  <tr>
                    <th scope="col">Source</th>
                    <th scope="col">Last signal</th>
                    <th scope="col" class="num">Signals in 24 h</th>
                    <th scope="col">Event Hubs</th>
                  </tr>
                </thead>
                <tbody>
                  ${sources.map(
                    (entry) =>
                      html`<tr>
                        <td class="wide"><strong>${entry.source}</strong></td>
                        <td data-label="last signal">
                          ${entry.lastReceivedAt ? html`${ago(entry.lastReceivedAt, now)} <span class="dim">${moment(entry.lastReceivedAt)}</span>` : html`<span class="dim">never</span>`}
                        </td>
                        <td class="num" data-label="in 24 h">${entry.signals}</td>
                        <td>${hubLines(entry)}</td>
                      </tr>`,
                  )}
                </tbody>
              </table>`
        }
        ${canarySection(data.canary)} ${coverageSection(data.coverage, now)}
        <h2>Tests, and what was not understood</h2>
        ${oddTable(data.odd, now)} ${callbackTable(data.callbacks, now)}
      </div>`,
  );
}

/** Event Hubs of the source: whether they are read, and how far behind. */
function hubLines({ hubs }: SourcesPageData['sources'][number]): Html {
  return html`${hubs.map((hub) => {
    const behind = hub.partitions.reduce((sum, partition) => sum + partition.lag, 0);
    const ageS = Math.max(0, ...hub.partitions.map((partition) => partition.lagAgeS));
    return html`<div>
      <span class="badge ${hub.status === 'ok' ? 'over' : 'warning'}">${hub.status}</span> ${hub.hub}
      <span class="dim"
        >${hub.partitions.length} partition${hub.partitions.length === 1 ? '' : 's'},
        ${behind === 0 ? 'nothing waiting' : `${behind} waiting, the oldest at most ${durationWords(ageS)}`}${hub.detail ? `, ${hub.detail}` : ''}</span
      >
    </div>`;
  })}`;
}

function oddTable(odd: readonly OddSignalRow[], now: Date): Html {
  if (odd.length === 0) return html`<p class="quiet-line">Nothing odd came in.</p>`;
  return html`<table class="list">
    <thead>
      <tr>
        <th scope="col">Outcome</th>
        <th scope="col">Message</th>
        <th scope="col">Why</th>
        <th scope="col">Source</th>
        <th scope="col">Received</th>
      </tr>
    </thead>
    <tbody>
      ${odd.map(
        (signal) =>
          html`<tr>
            <td>
              <span class="badge ${signal.outcome === 'unrecognised' ? 'warning' : 'info'}">${signal.outcome}</span>
            </td>
            <td class="wide">
              ${signal.incidentId ? html`<a href="/incidents/${signal.incidentId}">${signal.title}</a>` : signal.title}
            </td>
            <td>${signal.reason ?? ''}</td>
            <td>${signal.source} <span class="dim">${signal.schema}</span></td>
            <td>${ago(signal.receivedAt, now)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function callbackTable(callbacks: SourcesPageData['callbacks'], now: Date): Html {
  if (callbacks.length === 0) return html``;
  return html`<h2>Callbacks without an incident of ours</h2>
    <ul>
      ${callbacks.map((call) => html`<li>${call.vendor}: ${call.event} <span class="dim">${call.reason ?? ''}, ${ago(call.receivedAt, now)}</span></li>`)}
    </ul>`;
}
