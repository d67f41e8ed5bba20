/** Did it hit us? Each resource of ours with its verdict, the numbers, a chart, and what a person may do. */
import { html } from 'hono/html';
import { clock } from '#src/api/exports/words.ts';
import type { IncidentRecord } from '#src/api/incidents-record.ts';
import { clockOf, type Check, type ResourceEvidence, type Serving, type Verdict } from '#src/core/evidence.ts';
import { evidenceChart } from './evidence-chart.ts';
import type { Html } from './layout.ts';

/** With a chart each; of more hit resources the API has the rest. */
const DRAWN_MAX = 12;
const LISTED_MAX = 200;

const TONES: Readonly<Record<Verdict, string>> = { hit: 'error', 'not seen': 'over', unknown: '' };

/** Empty where nobody has looked. */
export function evidenceSection(record: Pick<IncidentRecord, 'evidence' | 'incident' | 'at'>): Html {
  const { evidence, incident, at } = record;
  if (evidence.length === 0) return html``;
  const newest = evidence.map((row) => row.takenAt).reduce((a, b) => (a > b ? a : b));
  const all = evidence.map((row) => row.data);
  const shown = all.filter((one) => one.verdict === 'hit').slice(0, DRAWN_MAX);
  // Where nothing is hit, the first chart shows that enough was seen to say so.
  const drawn = shown.length > 0 ? shown : all.slice(0, 1);
  const rest = all.filter((one) => !drawn.includes(one));
  return html`<section aria-labelledby="evidence">
    <h2 id="evidence">Did it hit us? <span class="dim">as of ${clock(newest)}</span></h2>
    ${at === null ? '' : html`<p class="dim">What was found later than that moment is left out.</p>`}
    ${drawn.map((one) => resource(one, incident.startedAt))}
    ${
      rest.length === 0
        ? ''
        : html`<details data-key="evidence-rest" ${rest.length <= 8 ? 'open' : ''}>
            <summary>${rest.length} more of our resources</summary>
            <ul class="plain">
              ${rest.slice(0, LISTED_MAX).map((one) => html`<li>${badge(one.verdict)} <b>${one.name}</b> ${one.reason}</li>`)}
            </ul>
            ${rest.length > LISTED_MAX ? html`<p class="dim">and ${rest.length - LISTED_MAX} more, in the API</p>` : ''}
          </details>`
    }
  </section>`;
}

function badge(verdict: Verdict): Html {
  return html`<span class="badge ${TONES[verdict]}">${verdict}</span>`;
}

function resource(one: ResourceEvidence, startedAt: string | null): Html {
  const main = one.checks.find((check) => check.verdict === one.verdict && check.points.length > 0) ?? one.checks[0];
  const others = one.checks.filter((check) => check !== main);
  return html`<article class="evidence">
    <h3>${badge(one.verdict)} ${one.name} <span class="dim">${one.kind}</span></h3>
    <p>${one.reason}.</p>
    ${main ? evidenceChart(main, startedAt) : ''}
    ${
      others.length === 0
        ? ''
        : html`<ul class="plain">
            ${others.map((check) => html`<li>${badge(check.verdict)} ${check.what} (${check.source}): ${check.reason}</li>`)}
          </ul>`
    }
    ${serving(one)} ${advice(one)} ${alerts(one)} ${asked(one)}
  </article>`;
}

function serving({ serving: served, replicas }: ResourceEvidence): Html {
  if (replicas.length === 0) return html``;
  const words = replicas.map(({ region, endpoint }, index) =>
    index === 0
      ? `${region} (home)`
      : `${region} (endpoint ${endpoint === false ? 'off' : endpoint === true ? 'on' : 'not known'})`,
  );
  return html`<p>
    Regions:
    ${words.join(', ')}.${served ? html` Pulls were served by ${shares(served, 'before')}; since then by ${shares(served, 'during')}.` : ''}
    ${served?.moved ? html`<b>Moved from ${served.moved.from} to ${served.moved.to} at ${clockOf(served.moved.at)} UTC.</b>` : ''}
  </p>`;
}

function shares(served: Serving, when: 'before' | 'during'): string {
  const all = served[when].reduce((sum, share) => sum + share.pulls, 0);
  if (all === 0) return 'nobody';
  return served[when].map(({ region, pulls }) => `${region} ${Math.round((pulls / all) * 100)} %`).join(', ');
}

function advice({ advice: sentences, name }: ResourceEvidence): Html {
  // The move of the pulls is said above.
  const more = sentences.filter((sentence) => !sentence.startsWith('Pulls moved'));
  if (more.length === 0) return html``;
  return html`<details data-key="advice-${name}">
    <summary>What you can do (Health Relay does none of it)</summary>
    <ul>
      ${more.map((sentence) => html`<li>${sentence}</li>`)}
    </ul>
  </details>`;
}

function alerts({ alerts: nearby }: ResourceEvidence): Html {
  if (nearby.length === 0) return html``;
  return html`<p>
    Alerts of our own about it:
    ${nearby.map((alert, index) => html`${index > 0 ? ', ' : ''}<a href="/incidents/${alert.id}">${alert.headline}</a> (${clockOf(alert.startedAt)})`)}
  </p>`;
}

function asked({ checks, name }: ResourceEvidence): Html {
  const queries = [...new Map(checks.map((check: Check) => [check.query, check])).values()];
  if (queries.length === 0) return html``;
  return html`<details data-key="asked-${name}">
    <summary>How this was asked</summary>
    ${queries.map(
      ({ source, query }) =>
        html`<p class="dim">${source}</p>
          <pre>${query}</pre>`,
    )}
  </details>`;
}
