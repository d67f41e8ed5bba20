/** Who can be told, and whether they can be reached. */
import { html } from 'hono/html';
import type { Caller } from '#src/api/auth.ts';
import type { DestinationState } from '#src/api/status.ts';
import { durationWords } from '#src/api/exports/words.ts';
import type { RelayConfig } from '#src/config/types.ts';
import type { QuietNow } from '#src/api/silences.ts';
import { ago, layout, type Html } from './layout.ts';
import { quietBanner } from './quiet-banner.ts';

export interface DestinationsPageData {
  caller: Caller;
  now: Date;
  states: readonly DestinationState[];
  config: Pick<RelayConfig, 'destinations'>;
  /** Accepted in the last hour, by destination. */
  accepted: ReadonlyMap<string, number>;
  quiet: QuietNow;
}

/** The page. */
export function destinationsPage({ caller, now, states, config, accepted, quiet }: DestinationsPageData): Html {
  return layout(
    { title: 'Destinations', caller, here: '/destinations', live: '' },
    html`<h1>Destinations</h1>
      <div id="live">
        ${quietBanner(quiet)}
        ${
          states.length === 0
            ? html`<p>None in the config: incidents are recorded and nobody is told.</p>`
            : html`<table class="list">
                <thead>
                  <tr>
                    <th scope="col">Destination</th>
                    <th scope="col">Health</th>
                    <th scope="col">Last success</th>
                    <th scope="col">Last failure</th>
                    <th scope="col">Backlog</th>
                    <th scope="col">Rate</th>
                    <th scope="col">Updates</th>
                  </tr>
                </thead>
                <tbody>
                  ${states.map((state) => row(state, { now, config, accepted }))}
                </tbody>
              </table>`
        }
      </div>`,
  );
}

function row(
  state: DestinationState,
  { now, config, accepted }: Pick<DestinationsPageData, 'now' | 'config' | 'accepted'>,
): Html {
  const settings = config.destinations.find((destination) => destination.name === state.name);
  const failed = state.backlog['failed'] ?? 0;
  const [tone, word] = healthOf(state, { now, failed });
  const limit = settings?.rate
    ? `at most ${settings.rate.max} per ${durationWords(settings.rate.perMs / 1000)}`
    : 'no limit of ours';
  return html`<tr>
    <td class="wide">
      <strong>${state.name}</strong>
      <span class="dim"
        >${state.type}${state.retired ? ', retired' : ''}${state.standby ? ', on standby' : ''}${settings?.sensitive === 'redacted' ? ', redacted' : ''}</span
      >
    </td>
    <td><span class="badge ${tone}">${word}</span></td>
    <td data-label="last success">
      ${state.lastSuccessAt ? ago(state.lastSuccessAt, now) : html`<span class="dim">never</span>`}
    </td>
    <td data-label="last failure">
      ${state.lastFailureAt ? `${ago(state.lastFailureAt, now)}${state.lastReason ? ` (${state.lastReason})` : ''}` : html`<span class="dim">none</span>`}
    </td>
    <td data-label="backlog">${backlogOf(state)}</td>
    <td>${accepted.get(state.name) ?? 0} told in the last hour, <span class="dim">${limit}</span></td>
    <td>${state.updates}${state.failOpen ? ', fails open' : ''}</td>
  </tr>`;
}

function backlogOf({ backlog, oldestS }: DestinationState): Html | string {
  const owed = ['pending', 'delivering', 'retrying'].reduce((sum, name) => sum + (backlog[name] ?? 0), 0);
  const failed = backlog['failed'] ?? 0;
  const heldBack = backlog['suppressed'] ?? 0;
  // What was refused is not level: the word would say that everybody was told.
  const parts = [
    ...(owed > 0 ? [html`${owed}, oldest ${durationWords(oldestS)}`] : []),
    ...(failed > 0 ? [html`<span class="bad">${failed} failed</span>`] : []),
    ...(heldBack > 0 ? [html`<span class="dim">${heldBack} held back</span>`] : []),
  ];
  return parts.length === 0 ? 'level' : html`${parts.map((part, n) => html`${n > 0 ? ', ' : ''}${part}`)}`;
}

function healthOf(state: DestinationState, { now, failed }: { now: Date; failed: number }): [string, string] {
  if (state.disabled) return ['error', 'switched off'];
  if (state.pausedUntil !== null && Date.parse(state.pausedUntil) > now.getTime())
    return ['warning', `paused until ${state.pausedUntil.slice(11, 16)}`];
  if (state.consecutiveFailures > 0)
    return ['warning', `${state.consecutiveFailures} failure${state.consecutiveFailures === 1 ? '' : 's'} in a row`];
  if (failed > 0) return state.lastSuccessAt ? ['warning', 'some refused'] : ['error', 'refuses all'];
  return state.lastSuccessAt ? ['over', 'healthy'] : ['info', 'not used yet'];
}
