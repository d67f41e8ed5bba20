/** The record as a document: Markdown for a post-mortem, CSV for a sheet, HTML to print. */
import type { SubscriptionInfo } from '#src/config/types.ts';
import type { IncidentRecord } from '../incidents-record.ts';
import { csvOf } from './csv.ts';
import { htmlOf } from './html.ts';
import { markdownOf } from './markdown.ts';

export interface RenderOptions {
  /** The record was made by {@link externalRecord}. */
  external: boolean;
  subscriptions: ReadonlyMap<string, SubscriptionInfo>;
}

/** Renders a record; every entry says when, whose word it is, and what. */
export function renderTimeline(
  record: IncidentRecord,
  options: RenderOptions & { format: 'markdown' | 'csv' | 'html' },
): { type: string; body: string } {
  switch (options.format) {
    case 'markdown':
      return { type: 'text/markdown', body: markdownOf(record, options) };
    case 'csv':
      return { type: 'text/csv', body: csvOf(record) };
    case 'html':
      return { type: 'text/html', body: htmlOf(record, options) };
  }
}
