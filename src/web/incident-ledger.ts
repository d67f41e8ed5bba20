/** The delivery ledger: for each destination how far it was told, what the vendor answered, and another try. */
import { html } from 'hono/html';
import { ledgerOf, receiptWords } from '#src/api/exports/ledger.ts';
import { clock } from '#src/api/exports/words.ts';
import type { AttemptRow, DeliveryRow } from '#src/db/reads.ts';
import { moment, type Html } from './layout.ts';

const RETRIABLE = ['failed', 'retrying', 'pending'];

/** `acts`: the reader may press the button. */
export function ledger(deliveries: readonly DeliveryRow[], { acts }: { acts: boolean }): Html {
  if (deliveries.length === 0) return html`<p>Nobody: no route wants this kind of news.</p>`;
  const lines = ledgerOf(deliveries);
  return html`<table class="list">
    <thead>
      <tr>
        <th scope="col">Destination</th>
        <th scope="col">State</th>
        <th scope="col">First told</th>
        <th scope="col">Last told</th>
        <th scope="col">Receipt</th>
        <th scope="col">Attempts</th>
        ${acts ? html`<th scope="col"><span class="visually-hidden">Retry</span></th>` : ''}
      </tr>
    </thead>
    <tbody>
      ${deliveries.map((delivery, i) => {
        const line = lines[i]!;
        return html`<tr>
          <td class="wide">
            <strong>${delivery.destination}</strong>
            <span class="dim">${delivery.type}</span
            >${delivery.fallbackOf ? html` <span class="dim">in place of ${delivery.fallbackOf}</span>` : ''}
          </td>
          <td>
            <span class="badge ${tone(delivery)}">${delivery.state}</span>
            <span class="dim"
              >${delivery.state === 'failed' ? (delivery.reason ?? '') : line.standing === 'up to date' ? '' : line.standing}</span
            >
          </td>
          <td data-label="first told">${moment(line.firstToldAt, 'not yet')}</td>
          ${line.lastToldAt === null ? html`<td></td>` : html`<td data-label="last told">${moment(line.lastToldAt)}</td>`}
          <td class="receipt">${line.receipt ?? ''}</td>
          <td>${attempts(delivery)}</td>
          ${acts ? html`<td class="no-print">${RETRIABLE.includes(delivery.state) ? retryForm(delivery) : ''}</td>` : ''}
        </tr>`;
      })}
    </tbody>
  </table>`;
}

function attempts({ id, attempts: all }: DeliveryRow): Html {
  if (all.length === 0) return html`<span class="dim">none yet</span>`;
  return html`<details data-key="attempts-${id}">
    <summary>${all.length}</summary>
    <ol class="attempts">
      ${all.map((attempt) => html`<li>${attemptLine(attempt)}</li>`)}
    </ol>
  </details>`;
}

function attemptLine(attempt: AttemptRow): Html {
  const covers =
    attempt.covers[0] === attempt.covers[1] ? `${attempt.covers[1]}` : `${attempt.covers[0]} to ${attempt.covers[1]}`;
  const ms = attempt.finishedAt === null ? null : Date.parse(attempt.finishedAt) - Date.parse(attempt.startedAt);
  const outcome = attempt.outcome ?? 'under way';
  return html`${clock(attempt.startedAt)} ${attempt.action} of revision ${covers}${attempt.repeat ? ', repeated' : ''}:
    <span class="${outcome === 'accepted' ? 'good' : outcome === 'under way' ? '' : 'bad'}">${outcome}</span
    >${attempt.reason ? ` (${attempt.reason})` : ''}
    <span class="dim"
      >${[attempt.status, ms === null ? null : `${ms} ms`, attempt.detail, attempt.receipt && receiptWords(attempt.receipt)].filter((part) => part !== null && part !== '').join(', ')}</span
    >`;
}

function retryForm(delivery: DeliveryRow): Html {
  return html`<form method="post" action="/deliveries/${delivery.id}/retry">
    <input type="hidden" name="incident" value="${delivery.incidentId}" />
    <button aria-label="Retry ${delivery.destination} now">Retry</button>
  </form>`;
}

function tone({ state }: DeliveryRow): string {
  return state === 'delivered' ? 'over' : state === 'failed' ? 'error' : state === 'retrying' ? 'warning' : 'info';
}
