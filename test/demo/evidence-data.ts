/** What Azure's metrics and logs hold of the demo's registries: nothing at first; each tells its part when the story comes to it. */
import { KEYS, type Cast } from './cast.ts';
import { REGISTRIES, registryId } from './estate.ts';

const MINUTE_MS = 60_000;
/** Pulls a minute, and how many of a hundred fail while it burns. */
const PULLS = 38;
const FAILED_OF_100 = 34;

/**
 * One registry begins to tell. `startMs`: when the impact began. The replica's metrics, which know nothing of regions, follow
 * with `revealHome`: a look that is under way reads one source after the other, and must not find the calm one alone.
 */
export function reveal({ metrics, logs }: Cast, name: string, startMs: number): void {
  const id = registryId(name);
  if (name === REGISTRIES.home) {
    const endMs = startMs + 132 * MINUTE_MS;
    const fails = (atMs: number): boolean => atMs >= startMs && atMs < endMs;
    metrics.resources.push({
      id,
      region: 'westeurope',
      value: (metric, atMs, minutes) => {
        // One pull an hour always fails: a job asks for a tag that is gone.
        const pulls = PULLS + Math.round(6 * Math.sin(atMs / (47 * MINUTE_MS)));
        const failed = fails(atMs)
          ? Math.round((pulls * FAILED_OF_100) / 100)
          : atMs % (60 * MINUTE_MS) === 0
            ? 1 / minutes
            : 0;
        return metric === 'TotalPullCount' ? pulls : metric === 'SuccessfulPullCount' ? pulls - failed : 0;
      },
    });
    return;
  }
  // Only the logs show that pulls moved home from the replica that burns.
  logs.workspaces.add(KEYS.workspace);
  const moved = startMs + 90 * MINUTE_MS;
  // A request stands for those of five minutes near the outage, for those of a quarter of an hour in the days around it.
  const isNear = (atMs: number): boolean => Math.abs(atMs - startMs) < 6 * 60 * MINUTE_MS;
  const stepOf = (atMs: number): number => (isNear(atMs) ? 5 : 15) * MINUTE_MS;
  for (let atMs = startMs - 6 * 86_400_000; atMs < Date.now(); atMs += stepOf(atMs)) {
    const region = atMs < moved ? 'northeurope' : 'eastus';
    const at = new Date(atMs).toISOString();
    logs.requestsLogged.push({
      resource: id,
      at,
      region,
      operation: 'Pull',
      code: '200',
      count: (PULLS * stepOf(atMs)) / MINUTE_MS,
    });
    if (atMs >= moved - 30 * MINUTE_MS && atMs < moved)
      logs.requestsLogged.push({ resource: id, at, region, operation: 'Pull', code: '503', count: PULLS });
  }
}

/** Metrics of the replicated registry's home region, which is well. */
export function revealHome({ metrics }: Cast, name: string): void {
  if (name !== REGISTRIES.replica) return;
  const value = (metric: string): number => (metric.includes('Pull') ? PULLS : 0);
  metrics.resources.push({ id: registryId(name), region: 'eastus', value });
}
