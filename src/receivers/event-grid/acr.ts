/** Pushes and deletions in a registry: activity of our own, worth a line beside an outage and never a page (azure-signals 4.3). */
import { changeIdentity } from '#src/core/identity.ts';
import { canonicalId, nameOf, serviceOf } from '../parse/azure-ids.ts';
import type { Draft } from '../parse/draft.ts';
import { objectOf, textOf } from '../parse/fields.ts';
import type { GridEvent } from './grid-event.ts';

const PREFIX = 'microsoft.containerregistry.';
const ACTIONS: Readonly<Record<string, string>> = {
  imagepushed: 'image pushed',
  imagedeleted: 'image deleted',
  chartpushed: 'chart pushed',
  chartdeleted: 'chart deleted',
};

/** Reads one event of a registry; null for a type that we do not know or that names no registry. */
export function readAcr(event: GridEvent): Draft | null {
  const name = event.typeKey.startsWith(PREFIX) ? event.typeKey.slice(PREFIX.length) : '';
  const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
  if (action === undefined || event.source === null) return null;
  const registry = canonicalId(event.source);
  const target = objectOf(event.data, 'target');
  const repository = textOf(target, 'repository') ?? event.subject ?? '';
  const tag = textOf(target, 'tag');
  return {
    schema: event.schema,
    type: 'acr',
    identity: changeIdentity(registry, name, event.id ?? textOf(event.data, 'id') ?? `${repository}:${tag ?? ''}`),
    kind: 'change',
    phase: 'note',
    // It is over when we hear of it; left active it would stand open for ever.
    state: 'resolved',
    severity: 'info',
    postId: event.id,
    title: `${nameOf(registry)}: ${action}: ${repository}${tag === null ? '' : `:${tag}`}`,
    ids: [registry],
    occurredAt: [event.time, event.data.get('timestamp')],
    details: [
      ['Registry', nameOf(registry)],
      ['Service', serviceOf(registry)],
      ['Repository', repository],
      ['Tag', tag],
      ['Digest', textOf(target, 'digest')],
      ['Chart', textOf(target, 'name')],
      ['Chart version', textOf(target, 'version')],
    ],
  };
}
