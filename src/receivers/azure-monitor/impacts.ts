/** The (service, region) pairs of a Service Health post (azure-signals 0.4, 0.5, 1.1). */
import type { Impact } from '#src/core/signal.ts';
import { fieldsOf, listOf, scalarText, textOf, valueOf, type Fields } from '../parse/fields.ts';

/**
 * Pairs from `impactedServices`, a list or a string that holds one, with keys in any case. Only where it names nothing
 * do `service` and `region` count: they hold just the first of many. A service without a region gets the region ''.
 */
export function readImpacts(properties: Fields): { pairs: Impact[]; fault: string | null } {
  const given = valueOf(properties, 'impactedServices', 'impact');
  const services = listOf(properties, 'impactedServices', 'impact');
  const pairs = services.flatMap((entry) => pairsOf(entry));
  const service = textOf(properties, 'service');
  if (pairs.length > 0) return { pairs: withKnownRegion(pairs, properties), fault: null };
  const unreadable = given !== null && given !== '' && services.length === 0;
  return {
    pairs: service === null ? [] : [{ service, region: textOf(properties, 'region') ?? '' }],
    fault: unreadable ? 'salvaged: impactedServices could not be read, first service and region taken' : null,
  };
}

function pairsOf(entry: unknown): Impact[] {
  const fields = fieldsOf(entry);
  const service =
    textOf(fields, 'serviceName', 'impactedService', 'service') ??
    (typeof entry === 'string' ? scalarText(entry) : null);
  if (service === null) return [];
  const list = valueOf(fields, 'impactedRegions', 'regions');
  const regions = (Array.isArray(list) ? list : listOf(fields, 'impactedRegions', 'regions'))
    .map(regionName)
    .filter((region) => region !== null);
  return regions.length === 0 ? [{ service, region: '' }] : regions.map((region) => ({ service, region }));
}

function regionName(entry: unknown): string | null {
  return typeof entry === 'string'
    ? scalarText(entry)
    : textOf(fieldsOf(entry), 'regionName', 'impactedRegion', 'name');
}

/** `region` belongs to `service` where the list gives that service none. */
function withKnownRegion(pairs: Impact[], properties: Fields): Impact[] {
  const [service, region] = [textOf(properties, 'service'), textOf(properties, 'region')];
  return pairs.map((pair) =>
    pair.region === '' && region !== null && pair.service === service ? { ...pair, region } : pair,
  );
}
