/** From an answer of the Resource Health events API, or a row of Resource Graph, to an event (azure-signals 7.1). */
import type { AzureEvent, EventUpdate } from '#src/core/gap-event.ts';
import { normaliseText } from '#src/core/text.ts';
import { fieldsOf, listOf, textOf, timeOf, type Fields } from './fields.ts';

/**
 * Reads one event. Null without a tracking ID or any time. Where no post is listed, the summary is taken for the only
 * one: it is the newest text then.
 */
export function readEvent(value: unknown, subscription: string | null): AzureEvent | null {
  const outer = fieldsOf(value);
  const fields = fieldsOf(outer['properties']);
  const trackingId = textOf(outer, 'name') ?? textOf(fields, 'trackingId') ?? textOf(outer, 'trackingId');
  const listed = listOf(fields, 'impact')
    .flatMap((service) => listOf(fieldsOf(service), 'impactedRegions'))
    .flatMap(updatesOf);
  const updatedAt =
    timeOf(fields, 'lastUpdateTime') ??
    listed
      .map((one) => one.at)
      .sort()
      .at(-1) ??
    timeOf(fields, 'impactStartTime');
  if (trackingId === null || updatedAt === null) return null;
  return {
    trackingId,
    subscription: (subscription ?? textOf(outer, 'subscriptionId'))?.toLowerCase() ?? null,
    eventType: textOf(fields, 'eventType') ?? '',
    status: textOf(fields, 'status') ?? 'Active',
    level: textOf(fields, 'eventLevel', 'level'),
    title: textOf(fields, 'title') ?? trackingId,
    startedAt: timeOf(fields, 'impactStartTime'),
    mitigatedAt: timeOf(fields, 'impactMitigationTime'),
    updatedAt,
    impacts: listOf(fields, 'impact')
      .map(impactOf)
      .filter((impact) => impact !== null),
    updates: joined(listed.length > 0 ? listed : summaryOf(fields, updatedAt)),
  };
}

function impactOf(value: unknown): AzureEvent['impacts'][number] | null {
  const fields = fieldsOf(value);
  const service = textOf(fields, 'impactedService', 'serviceName');
  if (service === null) return null;
  const regions = listOf(fields, 'impactedRegions')
    .map((region) => (typeof region === 'string' ? region : textOf(fieldsOf(region), 'impactedRegion', 'regionName')))
    .filter((region) => region !== null);
  return { service, regions };
}

function updatesOf(region: unknown): EventUpdate[] {
  return listOf(fieldsOf(region), 'updates').flatMap((value) => {
    const fields = fieldsOf(value);
    const [at, html] = [timeOf(fields, 'updateDateTime'), textOf(fields, 'summary')];
    const tags = listOf(fields, 'eventTags').filter((tag) => typeof tag === 'string');
    return at === null || html === null ? [] : [{ at, html, tags }];
  });
}

function summaryOf(fields: Fields, at: string): EventUpdate[] {
  const html = textOf(fields, 'summary', 'description') ?? textOf(fieldsOf(fields['article']), 'articleContent');
  return html === null ? [] : [{ at, html, tags: [] }];
}

/** Each region repeats the posts: the same text is one post, at its earliest time, with all its tags. Oldest first. */
function joined(updates: readonly EventUpdate[]): EventUpdate[] {
  const found = new Map<string, EventUpdate>();
  for (const update of updates) {
    const key = normaliseText(update.html);
    const before = found.get(key);
    const at = before && before.at < update.at ? before.at : update.at;
    found.set(key, { ...update, at, tags: [...new Set([...(before?.tags ?? []), ...update.tags])] });
  }
  return [...found.values()].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}
