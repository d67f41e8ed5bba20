/** Azure Resource Graph: one query over all subscriptions that the identity can see (azure-local 4). */
import { AzureError, PAGES_MAX, type AzureSession } from './session.ts';

const PATH = '/providers/Microsoft.ResourceGraph/resources?api-version=2024-04-01';
/** The service gives at most 1000 rows a page. */
const PAGE_ROWS = 1000;
/** A query names at most 1000 subscriptions. */
const SUBSCRIPTIONS_MAX = 1000;

export interface GraphOptions {
  /** Lower-cased ids; null: all that the identity can see. */
  subscriptions: readonly string[] | null;
}

/** All rows of a query, page by page. The query must sort by something unique, or pages may overlap. */
export async function queryGraph(
  session: AzureSession,
  query: string,
  { subscriptions }: GraphOptions,
): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = [];
  const groups = subscriptions === null ? [null] : chunks(subscriptions, SUBSCRIPTIONS_MAX);
  for (const group of groups) {
    let skipToken: string | null = null;
    const seen = new Set<string>();
    do {
      if (seen.size >= PAGES_MAX) throw new AzureError(`the answer has more than ${PAGES_MAX} pages`, 200);
      const body = {
        query,
        ...(group === null ? {} : { subscriptions: group }),
        options: {
          $top: PAGE_ROWS,
          resultFormat: 'objectArray',
          ...(skipToken === null ? {} : { $skipToken: skipToken }),
        },
      };
      const page = (await session.post(PATH, body)) as {
        data?: unknown;
        $skipToken?: unknown;
        resultTruncated?: unknown;
      } | null;
      if (!Array.isArray(page?.data)) throw new AzureError('Resource Graph answered no rows', 200);
      for (const row of page.data as unknown[]) {
        if (typeof row === 'object' && row !== null) rows.push(row as Record<string, unknown>);
      }
      skipToken = typeof page.$skipToken === 'string' && page.$skipToken !== '' ? page.$skipToken : null;
      // A part is no answer: the estate would say "not hit" of what is missing.
      if (skipToken === null && String(page.resultTruncated) === 'true')
        throw new AzureError('Resource Graph answered in part only', 200);
      if (skipToken !== null && seen.has(skipToken))
        throw new AzureError('a page of Resource Graph leads back to one before', 200);
      if (skipToken !== null) seen.add(skipToken);
    } while (skipToken !== null);
  }
  return rows;
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
