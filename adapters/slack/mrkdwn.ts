/**
 * Slack's own markup. Three characters must be escaped, and only what stands in angle brackets is a link or a mention:
 * once they are escaped, nothing that Microsoft or an attacker wrote can call `<!channel>` (destinations 6).
 */
import { cutCodePoints } from '../shared/cut.ts';

/** Text that shows as it is. */
export function escapeMrkdwn(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** A link with a label. */
export function mrkdwnLink(label: string, url: string): string {
  return `<${escapeMrkdwn(url).replaceAll('|', '%7C')}|${escapeMrkdwn(label).replaceAll('|', '/')}>`;
}

/** A section must have room for a whole link; a longer address stays text, which may be broken anywhere. UTF-16 units. */
const LINK_UNITS_MAX = 1_500;

/** Text escaped, with its web addresses as links: we turn off Slack's own parsing, which would parse mentions as well. */
export function toMrkdwn(text: string): string {
  const parts = text.split(/(https?:\/\/[^\s<>|()[\]"']*[^\s<>|()[\]"'.,;:!?])/g);
  // What the pattern captured stands at the odd places.
  return parts
    .map((part, i) => [escapeMrkdwn(part), i % 2 === 1] as const)
    .map(([part, isAddress]) => (isAddress && part.length <= LINK_UNITS_MAX ? `<${part}>` : part))
    .join('');
}

/** `toMrkdwn` of as much of the text as gives at most `unitsMax` UTF-16 units, cut visibly. */
export function fitMrkdwn(text: string, unitsMax: number): string {
  return fit(text, { unitsMax, write: toMrkdwn });
}

/** `escapeMrkdwn` of as much of the text as gives at most `unitsMax` UTF-16 units, cut visibly. */
export function fitEscaped(text: string, unitsMax: number): string {
  return fit(text, { unitsMax, write: escapeMrkdwn });
}

function fit(text: string, { unitsMax, write }: { unitsMax: number; write: (text: string) => string }): string {
  let points = unitsMax;
  let result = write(cutWhole(text, points));
  while (result.length > unitsMax && points > 0) {
    // Escapes, links and emoji make text longer than its points: the share that was too much is taken off.
    points = Math.min(points - 1, Math.floor((points * unitsMax) / result.length));
    result = write(cutWhole(text, points));
  }
  return result;
}

/** Cuts, and takes an address off that the cut went through: a link to half an address leads astray. */
function cutWhole(text: string, pointsMax: number): string {
  const cut = cutCodePoints(text, pointsMax);
  return cut === text ? cut : cut.replace(/https?:\/\/\S*(?= … \[cut\]$)/, '');
}
