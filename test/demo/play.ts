/** Plays the story: brings it in scene by scene, and goes on once every destination has been told. */
import { bring } from './doors.ts';
import type { Say } from './say.ts';
import type { Scene, Subject } from './story.ts';
import type { Stage } from './stage.ts';

export interface PlayedScene {
  scene: Scene;
  /** Outcomes of the receiver, counted; a refusal counts as `HTTP <status>`. */
  outcomes: Record<string, number>;
  /** Ids of the incidents that the answers named. */
  incidents: readonly string[];
  /** From the first request to the last delivery. */
  durationMs: number;
}

export interface Performance {
  scenes: readonly PlayedScene[];
  /** Our id of the incident by subject. */
  incidents: ReadonlyMap<Subject, string>;
  /** From the first request to the moment PagerDuty took the page; null when it never did. */
  firstPageMs: number | null;
}

/** Two mishaps: PagerDuty takes the page and the line breaks before it answers, and ServiceNow is away for a moment. */
export function arrangeMishaps({ cast }: Stage): void {
  cast.pagerduty.failNext({ kind: 'reset', taken: true });
  cast.servicenow.failNext({ kind: 'answer', answer: { status: 503, body: 'maintenance' } });
}

/** Says a line per scene. Throws when a delivery does not come about in time or the stage breaks down. */
export async function play(stage: Stage, scenes: readonly Scene[], say: Say): Promise<Performance> {
  const played: PlayedScene[] = [];
  const incidents = new Map<Subject, string>();
  const startedAt = Date.now();
  for (const scene of scenes) {
    const started = performance.now();
    const { outcomes, incidents: ids } = await bring(stage, scene);
    const id = ids[0];
    if (id === undefined || id === 'none') throw new Error(`the relay took nothing of "${scene.says}"`);
    incidents.set(scene.subject, id);
    await stage.relay.level(id, scene.told);
    const done = { scene, outcomes, incidents: ids, durationMs: performance.now() - started };
    played.push(done);
    say.scene(done);
  }
  const page = stage.cast.pagerduty.entries.find((entry) => entry.event === 'trigger');
  return { scenes: played, incidents, firstPageMs: page ? page.at - startedAt : null };
}
