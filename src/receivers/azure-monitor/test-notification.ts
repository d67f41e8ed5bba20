/** Recognises the portal's test notifications (azure-signals 5, last row). A real rule that happens to be called `test-...` is none. */
import { nameOf, resourceGroupOf } from '../parse/azure-ids.ts';
import { compact } from '../parse/fields.ts';

export interface TestMarks {
  trackingId?: string | null;
  communicationId?: string | null;
  /** `isSynthetic`, in whatever spelling and type. */
  synthetic?: string | null;
  rule: string | null;
  /** Target and resource ids. */
  ids: readonly (string | null)[];
  resourceGroup?: string | null;
}

/** True where the marks are those of a test: the markers, or the sample's rule name together with the sample's group. */
export function isTestNotification(marks: TestMarks): boolean {
  const trackingId = (marks.trackingId ?? '').toUpperCase();
  if (trackingId === 'TEST-TTT') return true;
  // Either value alone could be real: ids are only documented as "any text" (azure-signals 1.3).
  if (trackingId === 'ABC1-DEF' && marks.communicationId === '11223344556677') return true;
  if (['true', '1', 'yes'].includes(compact(marks.synthetic ?? null))) return true;
  const ids = marks.ids.filter((id) => id !== null);
  const inGroup = [compact(marks.resourceGroup ?? null), ...ids.map((id) => compact(resourceGroupOf(id)))].includes(
    'testrg',
  );
  if (!inGroup) return false;
  // The classic form names no rule; there the sample's machine stands in for it.
  return marks.rule === null
    ? ids.some((id) => compact(nameOf(id)) === 'testvm')
    : marks.rule.toLowerCase().startsWith('test-');
}
