/** What zod cannot say about `peer` and `standby`: the target, times that contradict, and what would surprise. */
import { checkTarget } from '#src/http/egress.ts';
import type { Report } from './fault.ts';
import type { Destination, RelayConfig } from './types.ts';

/** Reports faults of the section and warns of what people would miss. What only the peer knows cannot be seen here. */
export function checkPeer(
  { peer, egress, routes }: Pick<RelayConfig, 'peer' | 'egress' | 'routes'>,
  { destinations, report }: { destinations: readonly Destination[]; report: Report },
): void {
  if (peer !== null) {
    const problem = checkTarget(peer.url, egress);
    if (problem !== null)
      report.fault(['peer', 'url'], `its target is refused: ${problem}`, {
        hint: 'see egress.allow in docs/configure.md',
      });
    if (peer.missingAfterMs < peer.everyMs)
      report.fault(['peer', 'missingAfter'], 'must not be shorter than every: one look says nothing yet');
  }
  const standby = new Set(destinations.filter((one) => one.standby).map((one) => one.name));
  if (peer !== null && standby.size === 0)
    report.warn(['peer'], 'no destination is on standby: both relays tell every one of them', {
      hint: 'set standby: true in one of the two relays, on what does not dedup by key',
      at: 'key',
    });
  for (const { name, adapter } of destinations.filter((one) => one.standby)) {
    const path = ['destinations', name, 'standby'];
    if (peer === null)
      report.warn(path, 'does nothing without peer: nobody else is known to tell it', { hint: 'add a section peer' });
    else if (adapter.defaults.failOpen)
      report.warn(
        path,
        `${adapter.kind} folds by key what both relays tell: on standby it waits where the peer is well and does not tell`,
      );
  }
  if (peer === null) return;
  routes.forEach(({ to }, index) => {
    if (to.length > 0 && to.every((name) => standby.has(name)))
      report.warn(
        ['routes', index, 'to'],
        'every destination here is on standby: what the peer does not tell is told late',
        {
          hint: 'name one that both relays tell, such as a pager',
        },
      );
  });
}
