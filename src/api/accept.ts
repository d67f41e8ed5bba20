/** What a caller would rather have, by its `Accept` header (RFC 9110, 12.5.1). */
import { parseAccept } from 'hono/utils/accept';

/**
 * The first of the caller's types that we have, by weight and then in the order of the header. Without a header, or where
 * nothing fits, it is the first of `types`: an answer in the usual form is more use than a 406.
 */
export function preferredType<T extends string>(accept: string | undefined, types: readonly [T, ...T[]]): T {
  for (const { type, q } of parseAccept((accept ?? '').toLowerCase())) {
    const found = q > 0 ? types.find((one) => one === type || covers(type, one)) : undefined;
    if (found !== undefined) return found;
  }
  return types[0];
}

/** Any type, or any of one kind such as all of `text`. */
function covers(range: string, type: string): boolean {
  if (range === '*/*' || range === '*') return true;
  return range.endsWith('/*') && type.startsWith(range.slice(0, -1));
}
