/** The canary on the page of sources: how far the last ones came, what the auditor says, when the heartbeat last beat. */
import { html } from 'hono/html';
import type { CanaryView } from '#src/api/deps.ts';
import { durationWords } from '#src/api/exports/words.ts';
import { CANARY_HOPS } from '#src/core/canary.ts';
import type { Html } from './layout.ts';

/** Nothing where no canary is sent. */
export function canarySection(canary: CanaryView | null): Html {
  if (canary === null) return html``;
  const { fault, auditAgeS, beatAgeS, beatFault } = canary;
  const pending = fault === 'pending';
  return html`<h2>Canary</h2>
    <p>
      <span class="badge ${pending ? 'info' : fault === null ? 'over' : 'warning'}"
        >${pending ? 'under way' : fault === null ? 'ok' : 'broken'}</span
      >
      ${pending ? 'The first marked signal is on its way.' : (fault ?? 'Every marked signal came through the whole chain and back.')}
      <span class="dim"
        >${auditAgeS === null ? 'Not audited yet' : `Audited ${since(auditAgeS)}`}${beatAgeS === null ? '' : `; heartbeat ${since(beatAgeS)}`}${beatFault === null ? '' : `; heartbeat: ${beatFault}`}</span
      >
    </p>
    ${canary.hops.length === 0 ? '' : hopTable(canary)}`;
}

function hopTable({ hops }: CanaryView): Html {
  const receivers = [...new Set(hops.map((hop) => hop.receiver))].sort();
  return html`<table class="list">
    <thead>
      <tr>
        <th scope="col">Entered by</th>
        ${CANARY_HOPS.map((hop) => html`<th scope="col">${hop}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${receivers.map(
        (receiver) =>
          html`<tr>
            <td class="wide"><strong>${receiver}</strong></td>
            ${CANARY_HOPS.map((name) => {
              const hop = hops.find((one) => one.receiver === receiver && one.hop === name);
              return html`<td data-label="${name}">
                ${!hop?.everPassed ? html`<span class="dim">never</span>` : html`${since(hop.ageS)} <span class="dim">took ${hop.tookMs} ms</span>`}
              </td>`;
            })}
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function since(seconds: number): string {
  return seconds < 1 ? 'now' : `${durationWords(seconds)} ago`;
}
