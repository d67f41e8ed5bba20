/** Which message a record is (azure-signals 1.2, detection order). Looks at the envelope only; parsers look inside. */
import { isActivityRecord } from '../activity-log/record.ts';
import { isGridEvent } from '../event-grid/grid-event.ts';
import { compact, objectOf, textOf, type Fields } from './fields.ts';

export type Envelope =
  | 'common'
  | 'classic-activity'
  | 'classic-metric'
  | 'classic-log'
  | 'classic-budget'
  | 'activity-record'
  | 'grid';

const SCHEMAS: Readonly<Record<string, Envelope>> = {
  azuremonitorcommonalertschema: 'common',
  'microsoft.insights/activitylogs': 'classic-activity',
  azuremonitormetricalert: 'classic-metric',
  nearrealtimemetricalert: 'classic-metric',
  'microsoft.insights/logalert': 'classic-log',
  aipbudgetnotification: 'classic-budget',
};

/** The envelope, by schema id and else by the parts that only one envelope has; null for anything else. */
export function detect(root: Fields): Envelope | null {
  if (root.size === 0) return null;
  const schema = compact(textOf(root, 'schemaId'));
  const named = Object.hasOwn(SCHEMAS, schema) ? SCHEMAS[schema] : undefined;
  if (named !== undefined && hasContent(root, named)) return named;
  const data = objectOf(root, 'data');
  if (data.has('essentials') || root.has('essentials')) return 'common';
  const context = objectOf(data.has('context') ? data : root, 'context');
  if (context.has('activitylog')) return 'classic-activity';
  if (context.has('condition') && (context.has('resourceid') || context.has('id'))) return 'classic-metric';
  if (isGridEvent(root)) return 'grid';
  return isActivityRecord(root) ? 'activity-record' : null;
}

/** A schema id over an empty body promises more than there is to read. */
function hasContent(root: Fields, envelope: Envelope): boolean {
  const data = objectOf(root, 'data');
  if (envelope === 'common') return data.has('essentials') || data.has('alertcontext') || root.has('essentials');
  if (envelope === 'classic-activity') return objectOf(data.has('context') ? data : root, 'context').has('activitylog');
  return data.size > 0 || root.has('context');
}
