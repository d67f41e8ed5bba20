/**
 * Which call a step becomes: exactly one, so that a failure never repeats what has worked (destinations 5: three calls
 * per message re-run all three). An alias binds to the open alert only; a create after the close wakes somebody again.
 */
import type { Memo, Step } from '#src/core/adapter.ts';

export type Choice = { call: 'create' | 'note' | 'close' } | { call: 'none'; why: string };

/**
 * Pure. `none` where any call would wake somebody, or have no alert to go to. The memo's `created` is false where it is
 * certain that no alert was ever created: told then means that we kept quiet.
 */
export function chooseCall(step: Step, context: { memo: Memo }): Choice {
  const { action, opened } = step;
  const told = step.told && context.memo['created'] !== false;
  if (action === 'open') return { call: 'create' };
  if (opened) return { call: action === 'resolve' || action === 'retract' ? 'close' : 'note' };
  if (told) return { call: 'note' };
  if (action === 'resolve' || action === 'retract') return { call: 'none', why: 'not sent: over before it was told' };
  return { call: 'none', why: 'not sent: no alert to add it to' };
}
