/** On top of the pages while something keeps quiet, or while nothing may: nobody should wonder why no page came. */
import { html } from 'hono/html';
import type { QuietNow } from '#src/api/silences.ts';
import { matchInWords } from '#src/core/silence.ts';
import { clock } from '#src/api/exports/words.ts';
import type { Html } from './layout.ts';

/** More would push what is going on off the screen. */
const SHOWN_MAX = 5;

/** Empty where no silence is in force and the switch is off. */
export function quietBanner({ silences, passThrough }: QuietNow): Html {
  return html`${passThrough.on ? passThroughBox(passThrough) : ''}${silences.length > 0 ? silencesBox({ silences, passThrough }) : ''}`;
}

function passThroughBox({ turn }: QuietNow['passThrough']): Html {
  const by =
    turn?.on === true
      ? html`by ${turn.author} at ${clock(turn.at)} UTC${turn.reason === '' ? '' : `: ${turn.reason}`}`
      : 'by the config';
  return html`<p class="alert" role="note"><strong>Pass-through is on</strong> ${by}. Nothing is held back.</p>`;
}

function silencesBox({ silences, passThrough }: QuietNow): Html {
  const more = silences.length - SHOWN_MAX;
  const word = silences.length === 1 ? 'A silence is in force' : `${silences.length} silences are in force`;
  return html`<div class="alert" role="note">
    <strong>${word}</strong>${passThrough.on ? ', without effect while pass-through is on' : ''}
    <ul class="plain">
      ${silences.slice(0, SHOWN_MAX).map(
        (one) =>
          html`<li>
            ${matchInWords(one.match)}${one.destinations === null ? '' : ` for ${one.destinations.join(', ')}`}, until
            ${clock(one.until)} UTC
            <span class="dim"
              >by
              ${one.author}${one.reason === '' ? '' : `: ${one.reason}`}${one.held === 0 ? '' : `; holds ${one.held} back`}</span
            >
          </li>`,
      )}
    </ul>
    ${more > 0 ? html`<p class="dim">and ${more} more</p>` : ''}
  </div>`;
}
