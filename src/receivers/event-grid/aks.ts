/** Events of AKS clusters: rolling node pools, versions, end of support (azure-signals 4.3). */
import { changeIdentity, clusterSupportIdentity, nodePoolIdentity } from '#src/core/identity.ts';
import type { Kind, Phase, Severity } from '#src/core/signal.ts';
import { canonicalId, impactsOf, nameOf, serviceOf } from '../parse/azure-ids.ts';
import type { Draft } from '../parse/draft.ts';
import { textOf } from '../parse/fields.ts';
import type { GridEvent } from './grid-event.ts';

const PREFIX = 'microsoft.containerservice.';

/** Reads one event of a cluster; null for a type that we do not know or that names no cluster. */
export function readAks(event: GridEvent): Draft | null {
  if (!event.typeKey.startsWith(PREFIX) || event.source === null) return null;
  const name = event.typeKey.slice(PREFIX.length);
  const rolling = Object.hasOwn(ROLLING, name) ? ROLLING[name] : undefined;
  if (rolling !== undefined) return readRolling(event, rolling);
  if (name === 'clustersupportending' || name === 'clustersupportended')
    return readSupport(event, name === 'clustersupportended');
  return name === 'newkubernetesversionavailable' ? readVersion(event) : null;
}

interface Rolling {
  kind: Kind;
  phase: Phase;
  severity: Severity;
  word: string;
}

/** A failed roll leaves nodes on two versions and stays open until a later roll of the same pool succeeds. */
const ROLLING: Readonly<Record<string, Rolling>> = {
  nodepoolrollingstarted: { kind: 'change', phase: 'open', severity: 'info', word: 'Started' },
  nodepoolrollingsucceeded: { kind: 'change', phase: 'close', severity: 'info', word: 'Succeeded' },
  nodepoolrollingfailed: { kind: 'alert', phase: 'open', severity: 'error', word: 'Failed' },
};

function readRolling(event: GridEvent, rolling: Rolling): Draft {
  const cluster = clusterOf(event);
  const pool = textOf(event.data, 'nodePoolName') ?? 'unknown';
  return {
    ...common(event, cluster),
    identity: nodePoolIdentity(cluster, pool),
    kind: rolling.kind,
    phase: rolling.phase,
    stage: rolling.word,
    state: rolling.phase === 'close' ? 'resolved' : 'active',
    severity: rolling.severity,
    title: `${nameOf(cluster)}: rolling upgrade of node pool ${pool} ${rolling.word.toLowerCase()}`,
    details: [
      ['Cluster', nameOf(cluster)],
      ['Node pool', pool],
      ['Service', serviceOf(cluster)],
    ],
  };
}

function readSupport(event: GridEvent, hasEnded: boolean): Draft {
  const cluster = clusterOf(event);
  const version = textOf(event.data, 'kubernetesVersion') ?? 'unknown';
  return {
    ...common(event, cluster),
    identity: clusterSupportIdentity(cluster, version),
    kind: 'advisory',
    phase: 'open',
    stage: hasEnded ? 'Ended' : 'Ending',
    state: 'active',
    severity: hasEnded ? 'error' : 'warning',
    title: `${nameOf(cluster)}: support of Kubernetes ${version} ${hasEnded ? 'has ended' : 'is ending'}`,
    details: [
      ['Cluster', nameOf(cluster)],
      ['Kubernetes version', version],
      ['Service', serviceOf(cluster)],
    ],
  };
}

function readVersion(event: GridEvent): Draft {
  const cluster = clusterOf(event);
  const stable = textOf(event.data, 'latestStableKubernetesVersion');
  const supported = textOf(event.data, 'latestSupportedKubernetesVersion');
  return {
    ...common(event, cluster),
    identity: changeIdentity(cluster, 'newkubernetesversion', event.id ?? supported ?? 'unknown'),
    kind: 'change',
    phase: 'note',
    state: 'resolved',
    severity: 'info',
    title: `${nameOf(cluster)}: new Kubernetes version ${supported ?? stable ?? ''} available`,
    details: [
      ['Cluster', nameOf(cluster)],
      ['Latest supported', supported],
      ['Latest stable', stable],
      ['Lowest supported', textOf(event.data, 'lowestMinorKubernetesVersion')],
      ['Latest preview', textOf(event.data, 'latestPreviewKubernetesVersion')],
    ],
  };
}

function clusterOf(event: GridEvent): string {
  return canonicalId(event.source ?? '');
}

function common(
  event: GridEvent,
  cluster: string,
): Pick<Draft, 'schema' | 'type' | 'postId' | 'impacts' | 'ids' | 'occurredAt'> {
  return {
    schema: event.schema,
    type: 'aks',
    postId: event.id,
    impacts: impactsOf(cluster),
    ids: [cluster],
    occurredAt: [event.time],
  };
}
