/**
 * The key that finds a record again, and the only way to build a query from it. Kibana once closed the newest
 * unrelated incident because it queried with an empty key (destinations 2.4): here such a query has no type.
 */

declare const correlationBrand: unique symbol;
declare const queryBrand: unique symbol;

/** Checked: not empty, without white space, within the column. */
export type CorrelationKey = string & { readonly [correlationBrand]: true };

/** Text for `sysparm_query` whose values are escaped. */
export type EncodedQuery = string & { readonly [queryBrand]: true };

/** Width of `incident.correlation_id` as delivered (destinations 2.3); a longer value would lose its tail silently. */
export const CORRELATION_ID_CHARS_MAX = 100;
const CHARS_MIN = 8;

/** The vendor key as correlation id; null for what could match more than its own record. */
export function correlationKey(vendorKey: string): CorrelationKey | null {
  const fits = vendorKey.length >= CHARS_MIN && vendorKey.length <= CORRELATION_ID_CHARS_MAX;
  return fits && /^[\x21-\x7e]+$/.test(vendorKey) ? (vendorKey as CorrelationKey) : null;
}

/** Records under the key, oldest first. */
export function byCorrelation(key: CorrelationKey): EncodedQuery {
  return `correlation_id=${escapeValue(key)}^ORDERBYsys_created_on` as EncodedQuery;
}

/** Choices of one column of the incident table that can be picked. */
export function choicesOf(element: 'close_code'): EncodedQuery {
  return `name=incident^element=${element}^inactive=false^ORDERBYsequence` as EncodedQuery;
}

/** Mandatory columns of the incident table and of the task table that it extends. */
export function mandatoryColumns(): EncodedQuery {
  return 'nameINincident,task^mandatory=true^elementISNOTEMPTY' as EncodedQuery;
}

/** `^` separates conditions; doubled it stands for itself (destinations 2.4). */
function escapeValue(value: string): string {
  return value.replaceAll('^', '^^');
}
