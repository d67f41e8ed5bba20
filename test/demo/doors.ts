/** How news comes in: the webhook of action groups, two hubs, and what the relay fetches from Azure by itself. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AzureRecord } from '#test/support/azure/records.ts';
import { sendToHub } from '#test/support/event-hubs/send.ts';
import type { PostAnswer } from './relay-client.ts';
import { reveal, revealHome } from './evidence-data.ts';
import type { Stage } from './stage.ts';
import type { Scene } from './story.ts';

/** In words for the report. The hubs are named after their sources in the demo's relay.yaml. */
export const DOORS = {
  webhook: 'webhook',
  alerts: "action group's hub",
  activity: "activity log's hub",
  backfill: 'back-fill',
  evidence: 'metrics and logs',
} as const;

export type Door = keyof typeof DOORS;

export interface Brought {
  /** What became of the signals, counted; a refusal of the webhook counts as `HTTP <status>`. */
  outcomes: Record<string, number>;
  /** Ids of the incidents that they fell on. */
  incidents: readonly string[];
}

/** Reading a hub begins some seconds after the start; then it takes milliseconds. */
const STORED_MS = 60_000;

/** Brings the bodies of a scene in through its door and waits until all of them are stored. */
export async function bring(stage: Stage, scene: Scene): Promise<Brought> {
  if (scene.hubsCut) stage.cast.hubs.dropConnections();
  if (scene.door === 'webhook') {
    const answers = await Promise.all(scene.bodies.map((body) => stage.relay.post(body)));
    const ids = answers.flatMap((answer) => answer.signals.map((signal) => signal.incident ?? 'none'));
    return { outcomes: countAnswers(answers), incidents: [...new Set(ids)] };
  }
  if (scene.door === 'evidence') return observe(stage, scene);
  const before = await stage.relay.counts(scene.door);
  if (scene.door === 'backfill') await pull(stage, scene.bodies as AzureRecord[]);
  else await sendToHub(stage.cast.hubs.connectionString(scene.door), scene.bodies);
  const outcomes = await stored(stage, scene, before);
  return { outcomes, incidents: [(await stage.relay.incident(scene.trackingId)).id] };
}

/** Metrics and logs begin to tell of a registry; waits until the relay has seen it, and said so. */
async function observe({ cast, relay }: Stage, { trackingId, reveals }: Scene): Promise<Brought> {
  const { id, startedAt } = await relay.incident(trackingId);
  reveal(cast, reveals!, Date.parse(startedAt!));
  await relay.said(id, `Evidence: ${reveals} hit`);
  revealHome(cast, reveals!);
  return { outcomes: {}, incidents: [id] };
}

async function pull({ cast, relay }: Stage, records: AzureRecord[]): Promise<void> {
  cast.azure.events = records;
  await relay.backfill(records[0]?.startedAt ?? new Date(0).toISOString());
}

/** Waits until a source has told as much as the scene holds. */
async function stored(
  { relay, signal }: Stage,
  { door, bodies }: Scene,
  before: Readonly<Record<string, number>>,
): Promise<Record<string, number>> {
  const until = performance.now() + STORED_MS;
  for (;;) {
    const now = await relay.counts(door);
    const fresh = Object.entries(now).map(([word, n]) => [word, n - (before[word] ?? 0)] as const);
    const sum = fresh.reduce((total, [, n]) => total + n, 0);
    if (sum >= bodies.length) return Object.fromEntries(fresh.filter(([, n]) => n > 0));
    if (performance.now() > until)
      throw new Error(`${DOORS[door]}: ${sum} of ${bodies.length} signals were stored in ${STORED_MS / 1000} s`);
    await sleep(20, undefined, { signal });
  }
}

function countAnswers(answers: readonly PostAnswer[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const answer of answers) {
    const words = answer.status === 202 ? answer.signals.map((s) => s.outcome) : [`HTTP ${answer.status}`];
    for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  }
  return counts;
}
