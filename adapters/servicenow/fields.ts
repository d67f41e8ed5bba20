/** The customer's own columns of a record: fixed text or templates over the incident. */
import type { Step } from '#src/core/adapter.ts';
import { cutCodePoints } from '../shared/cut.ts';

export const FIELD_NAME = /^[a-z][a-z0-9_]{0,79}$/;

const PLACEHOLDERS = ['headline', 'service', 'region', 'severity', 'trackingId', 'kind', 'stage', 'link'] as const;
type Placeholder = (typeof PLACEHOLDERS)[number];

const TEMPLATE = /\{\{\s*([^{}]*?)\s*\}\}/g;

/** A column of 4,000 characters is the longest that the incident table has as delivered (destinations 2.2, 2.3). */
const VALUE_CHARS_MAX = 4_000;

/**
 * Columns that the lifecycle, the dedup key or the instance's rules own. Priority is derived from impact and urgency
 * (destinations 2.3); comments are visible to the caller and may mail them, so nothing of ours goes there.
 */
const RESERVED = new Set([
  'sys_id',
  'number',
  'correlation_id',
  'correlation_display',
  'state',
  'incident_state',
  'active',
  'priority',
  'impact',
  'urgency',
  'close_code',
  'close_notes',
  'work_notes',
  'comments',
]);

/** True for a column that no field may set. */
export function isReserved(name: string): boolean {
  return RESERVED.has(name);
}

/** Placeholders in a template that do not exist, as written. */
export function unknownPlaceholders(template: string): string[] {
  return [...template.matchAll(TEMPLATE)].filter(([, name]) => !isPlaceholder(name)).map(([whole]) => whole);
}

export interface RenderedFields {
  values: Record<string, string>;
  /** Fields of the route that cannot be set: reserved, or no name of a column. */
  ignored: string[];
}

/** The columns for a record; a route's fields win over the destination's, and empty values are left out. */
export function renderFields(
  step: Step,
  destinationFields: Readonly<Record<string, string | number | boolean>>,
): RenderedFields {
  const values: Record<string, string> = {};
  const ignored: string[] = [];
  for (const [name, template] of Object.entries({ ...destinationFields, ...step.route.fields })) {
    if (!FIELD_NAME.test(name) || isReserved(name)) {
      ignored.push(name);
      continue;
    }
    const value = fill(String(template), step);
    if (value !== '') values[name] = cutCodePoints(value, VALUE_CHARS_MAX);
  }
  return { values, ignored };
}

/** Placeholders that do not exist stay as they are: a visible fault in a ticket is better than none. */
function fill(template: string, step: Step): string {
  return template
    .replace(TEMPLATE, (whole, name: string) => (isPlaceholder(name) ? valueOf(name, step) : whole))
    .trim();
}

function isPlaceholder(name: string | undefined): name is Placeholder {
  return (PLACEHOLDERS as readonly (string | undefined)[]).includes(name);
}

function valueOf(name: Placeholder, step: Step): string {
  const { incident } = step;
  switch (name) {
    case 'headline':
      return incident.headline;
    case 'service':
      return distinct(incident.impacts.map((impact) => impact.service));
    case 'region':
      return distinct(incident.impacts.map((impact) => impact.region));
    case 'severity':
      return incident.severity;
    case 'trackingId':
      return incident.trackingId ?? '';
    case 'kind':
      return incident.kind;
    case 'stage':
      return incident.stage ?? '';
    case 'link':
    default:
      return step.links.timeline ?? step.links.portal ?? '';
  }
}

function distinct(values: readonly string[]): string {
  return [...new Set(values.filter((value) => value !== ''))].join(', ');
}
