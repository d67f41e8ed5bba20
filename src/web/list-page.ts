/** What is going on now and lately; and the log-in. */
import { html } from 'hono/html';
import { minute } from '#src/core/diff.ts';
import type { IncidentListRow } from '#src/db/reads.ts';
import { layout, stateBadge } from './layout.ts';

type Html = ReturnType<typeof html>;

/** The list, newest first. */
export function listPage(incidents: readonly IncidentListRow[], { q }: { q: string | null }): Html {
  const rows = incidents.map(
    (incident) =>
      html`<tr>
        <td>${stateBadge(incident.state, incident.severity)}</td>
        <td><a href="/incidents/${incident.id}">${incident.headline}</a></td>
        <td class="num">${incident.subscriptionCount}</td>
        <td><time datetime="${incident.firstSeenAt}">${minute(incident.firstSeenAt)}</time></td>
      </tr>`,
  );
  const table = html`<table>
    <thead>
      <tr>
        <th>State</th>
        <th>Incident</th>
        <th>Subscriptions</th>
        <th>First seen</th>
      </tr>
    </thead>
    <tbody>
      ${rows}
    </tbody>
  </table>`;
  return layout(
    'Incidents',
    html`<h1>Incidents</h1>
      <form class="filter" role="search">
        <label>Search <input name="q" value="${q ?? ''}" /></label> <button>Find</button>
      </form>
      ${incidents.length === 0 ? html`<p>Nothing here. Press Test in the action group to see a signal arrive.</p>` : table}`,
  );
}

/** Asks for a token with role `read` or `operate`. */
export function loginPage(failed: boolean): Html {
  return layout(
    'Log in',
    html`<h1>Log in</h1>
      ${failed ? html`<p role="alert">This token is not known.</p>` : ''}
      <form method="post" action="/login">
        <label>Token <input type="password" name="token" autocomplete="current-password" required /></label>
        <button>Log in</button>
      </form>`,
  );
}
