/** `condition.allOf` of metric and log alerts: what was measured and how it compared (azure-signals 3). */
import { fieldsOf, listOf, objectOf, scalarText, textOf, valueOf, type Fields } from '../parse/fields.ts';

export interface Criterion {
  /** Metric, web test or measured column. */
  name: string | null;
  namespace: string | null;
  operator: string | null;
  threshold: string | null;
  value: string | null;
  aggregation: string | null;
  dimensions: [string, string][];
  fields: Fields;
}

/** Criteria of the condition in order; empty where there are none. At most 20 are read. Rules of the oldest form have one, in the condition itself. */
export function readCriteria(context: Fields): Criterion[] {
  const condition = objectOf(context, 'condition');
  const all = listOf(condition, 'allOf').slice(0, 20).map(criterion);
  return all.length === 0 && condition.has('metricname') ? [criterion(valueOf(context, 'condition'))] : all;
}

function criterion(entry: unknown): Criterion {
  const fields = fieldsOf(entry);
  return {
    name: textOf(fields, 'metricName', 'metricMeasureColumn', 'webTestName'),
    namespace: textOf(fields, 'metricNamespace'),
    operator: textOf(fields, 'operator'),
    threshold: textOf(fields, 'threshold'),
    value: textOf(fields, 'metricValue'),
    aggregation: textOf(fields, 'timeAggregation'),
    dimensions: readDimensions(fields),
    fields,
  };
}

/** `dimensions` as a list of `{ name, value }`; entries without a name are left out. */
export function readDimensions(fields: Fields): [string, string][] {
  return listOf(fields, 'dimensions')
    .slice(0, 100)
    .map((entry) => {
      const pair = fieldsOf(entry);
      return [textOf(pair, 'name'), scalarText(pair.get('value')) ?? ''] as const;
    })
    .filter((pair): pair is readonly [string, string] => pair[0] !== null)
    .map(([name, value]) => [name, value]);
}

/** `SuccessfulPullCount LessThan 20 (3)`, as much of it as is there; null where there is nothing to say. */
export function describeCriterion(criterion: Criterion | undefined): string | null {
  if (criterion === undefined) return null;
  const words = [criterion.name ?? criterion.aggregation, criterion.operator, criterion.threshold].filter(
    (word) => word !== null,
  );
  if (criterion.value !== null) words.push(`(${criterion.value})`);
  return words.length === 0 ? null : words.join(' ');
}

/** The facts of the criteria for the details; several values of one fact are joined. */
export function criterionDetails(criteria: readonly Criterion[], condition: Fields): [string, string | null][] {
  const join = (values: (string | null)[]): string => values.filter((value) => value !== null).join('; ');
  const dimensions = criteria.flatMap((c) => c.dimensions).map(([name, value]) => `${name}=${value}`);
  return [
    ['Metric', join(criteria.map((c) => c.name))],
    ['Operator', join(criteria.map((c) => c.operator))],
    ['Threshold', join(criteria.map((c) => c.threshold))],
    ['Value', join(criteria.map((c) => c.value))],
    ['Aggregation', join(criteria.map((c) => c.aggregation))],
    ['Window', textOf(condition, 'windowSize')],
    ['Dimensions', dimensions.join(', ')],
    ['Namespace', join([...new Set(criteria.map((c) => c.namespace))])],
    ['Sensitivity', join(criteria.map((c) => textOf(c.fields, 'alertSensitivity')))],
  ];
}
