/** One incident: what it is, the story, who was told what and whether it arrived. */
import { html, raw } from 'hono/html';
import type { SubscriptionInfo } from '#src/config/types.ts';
import { minute } from '#src/core/diff.ts';
import type { DeliveryRow, IncidentListRow, TimelineRow } from '#src/db/reads.ts';
import { sanitizeHtml } from '#src/text/html.ts';
import { layout, stateBadge } from './layout.ts';

type Html = ReturnType<typeof html>;

export interface IncidentPageData {
  timeline: readonly TimelineRow[];
  deliveries: readonly DeliveryRow[];
  subscriptions: ReadonlyMap<string, SubscriptionInfo>;
}

/** The page of an incident. */
export function incidentPage(incident: IncidentListRow, data: IncidentPageData): Html {
  return layout(
    incident.headline,
    html`<h1>${incident.headline}</h1>
      <p>${stateBadge(incident.state, incident.severity)} ${incident.stage ?? ''}</p>
      ${factList(incident)}
      <h2>Timeline</h2>
      <table>
        <thead>
          <tr>
            <th>Time</th>
            <th>What</th>
          </tr>
        </thead>
        <tbody>
          ${data.timeline.map(entry)}
        </tbody>
      </table>
      <h2>Deliveries</h2>
      ${deliveryTable(data.deliveries)}
      <h2>Subscriptions</h2>
      <ul>
        ${incident.subscriptions.map((id) => html`<li>${subscriptionName(id, data.subscriptions)}</li>`)}
      </ul>`,
  );
}

function factList(incident: IncidentListRow): Html {
  const facts: [string, string | null][] = [
    ['Tracking ID', incident.trackingId],
    [
      'Services and regions',
      incident.impacts.map((i) => (i.region ? `${i.service}, ${i.region}` : i.service)).join('; '),
    ],
    ['Impact started', incident.startedAt && minute(incident.startedAt)],
    ['Mitigated', incident.mitigatedAt && minute(incident.mitigatedAt)],
    ['Resolved', incident.resolvedAt && minute(incident.resolvedAt)],
    ['First signal', minute(incident.firstSeenAt)],
    ...Object.entries(incident.details),
  ];
  const shown = facts.filter(([, value]) => value !== null && value !== '');
  return html`<dl>
    ${shown.map(
      ([label, value]) =>
        html`<dt>${label}</dt>
          <dd>${value}</dd>`,
    )}
  </dl>`;
}

function entry(row: TimelineRow): Html {
  const said = typeof row.data['html'] === 'string' && row.data['html'] !== '' ? row.data['html'] : null;
  return html`<tr>
    <td class="when"><time datetime="${row.at}">${minute(row.at)}</time><br /><span class="dim">${row.kind}</span></td>
    <td>
      ${row.summary}${said ? html`<div class="said">${raw(sanitizeHtml(said))}</div>` : ''}
      ${
        (row.changes ?? []).length > 0
          ? html`<ul>
              ${row.changes!.map((change) => html`<li>${change}</li>`)}
            </ul>`
          : ''
      }
    </td>
  </tr>`;
}

function deliveryTable(deliveries: readonly DeliveryRow[]): Html {
  if (deliveries.length === 0) return html`<p>Nobody was told: no route wants this kind of news.</p>`;
  return html`<table>
    <thead>
      <tr>
        <th>Destination</th>
        <th>State</th>
        <th>Told up to</th>
        <th>Attempts</th>
      </tr>
    </thead>
    <tbody>
      ${deliveries.map(
        (d) =>
          html`<tr>
            <td>${d.destination} <span class="dim">${d.type}</span></td>
            <td>${d.state}${d.reason ? ` (${d.reason})` : ''}</td>
            <td class="num">${d.deliveredRevision} of ${d.wantedRevision}</td>
            <td>
              <ul>
                ${d.attempts.map((a) => html`<li>${a.action} ${a.covers[0]}-${a.covers[1]}: ${a.outcome ?? 'under way'}${a.reason ? ` (${a.reason})` : ''} <span class="dim">${minute(a.startedAt)}</span></li>`)}
              </ul>
            </td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function subscriptionName(id: string, known: ReadonlyMap<string, SubscriptionInfo>): Html {
  const name = known.get(id)?.name;
  return name ? html`${name} <span class="dim">${id}</span>` : html`${id}`;
}
