/**
 * Which PagerDuty event a step becomes. The one rule behind it all: a trigger without an open alert wakes somebody, so
 * only news that deserves a page is a trigger, and everything else is a change event (destinations 0 fact 2, 0.1).
 */
import type { Memo, Step } from '#src/core/adapter.ts';

/** `orphaned`: a page stands under another routing key, where no event of ours reaches it any more. */
export type Choice =
  | { event: 'trigger'; orphaned: boolean }
  | { event: 'resolve' }
  | { event: 'change' }
  /** Nothing that could be sent would have an effect. */
  | { event: 'none' };

/**
 * Pure. `accountKey` is the hash of today's routing key. Keys bind to the routing key that triggered them
 * (destinations 1.3): a page under another one cannot be resolved, only opened anew under the present one.
 */
export function chooseEvent(step: Step, context: { memo: Memo; accountKey: string }): Choice {
  const { memo, accountKey } = context;
  const triggered = memo['triggered'] === true;
  const orphaned = triggered && typeof memo['accountKey'] === 'string' && memo['accountKey'] !== accountKey;
  // Planned work pages nobody. What was triggered before Azure made it maintenance still has a page to close.
  const pages = step.incident.kind !== 'maintenance';
  switch (step.action) {
    case 'open':
      return pages ? { event: 'trigger', orphaned } : { event: 'change' };
    case 'update':
      // A change to a resource is over when it is told: further news about it is no reason to look at a page.
      return step.opened && pages && step.incident.kind !== 'change'
        ? { event: 'trigger', orphaned }
        : { event: 'change' };
    case 'resolve':
    case 'retract':
      if (!step.opened || (!pages && !triggered)) return { event: 'change' };
      return orphaned ? { event: 'none' } : { event: 'resolve' };
    case 'note':
    default:
      return { event: 'change' };
  }
}
