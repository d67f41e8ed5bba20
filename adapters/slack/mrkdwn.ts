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

/** Text escaped, with its web addresses as links: we turn off Slack's own parsing, which would parse mentions as well. */
export function toMrkdwn(text: string): string {
  const parts = text.split(/(https?:\/\/[^\s<>|()[\]"']*[^\s<>|()[\]"'.,;:!?])/g);
  // What the pattern captured stands at the odd places.
  return parts.map((part, i) => (i % 2 === 1 ? `<${escapeMrkdwn(part)}>` : escapeMrkdwn(part))).join('');
}

/** `toMrkdwn` of as much of the text as gives at most `unitsMax` UTF-16 units, cut visibly. */
export function fitMrkdwn(text: string, unitsMax: number): string {
  let points = unitsMax;
  let result = toMrkdwn(cutWhole(text, points));
  while (result.length > unitsMax && points > 0) {
    // Escapes and links make text longer than it was: the share that was too much is taken off.
    points = Math.min(points - 1, Math.floor((points * unitsMax) / result.length));
    result = toMrkdwn(cutWhole(text, points));
  }
  return result;
}

/** Cuts, and takes an address off that the cut went through: a link to half an address leads astray. */
function cutWhole(text: string, pointsMax: number): string {
  const cut = cutCodePoints(text, pointsMax);
  return cut === text ? cut : cut.replace(/https?:\/\/\S*(?= … \[cut\]$)/, '');
}
