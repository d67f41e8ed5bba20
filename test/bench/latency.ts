/** Idle latency: one post at a time, from the first byte in to the page out. Goal 3. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runPart } from './processes.ts';
import { openStage, waitForKeys } from './stage.ts';
import { percentile } from './stats.ts';
import type { Line } from './table.ts';

export async function latency({ count }: { count: number }): Promise<Line[]> {
  const lines: Line[] = [];
  for (const [footing, goal] of [
    ['redis', 'p50 < 15 ms, p99 < 40 ms'],
    ['embedded', 'p99 < 60 ms'],
  ] as const) {
    const stage = await openStage({ footing });
    const folder = mkdtempSync(join(tmpdir(), 'relay-times-'));
    try {
      const timesFile = join(folder, 'times.json');
      const load = (n: number, from: number): Promise<unknown> =>
        runPart('load', [
          stage.url,
          JSON.stringify({ path: stage.path, shape: 'distinct', count: n, concurrency: 4, rate: 20, from, timesFile }),
        ]);
      await load(20, 0);
      await waitForKeys(stage, 20);
      await load(count, 1_000);
      await waitForKeys(stage, 20 + count);
      const sent = JSON.parse(readFileSync(timesFile, 'utf8')) as Record<string, number>;
      const got = await stage.sink.times();
      const waits = Object.keys(sent).map((key) => (got[key] ?? Infinity) - sent[key]!);
      lines.push({
        name: `idle latency, ${footing}`,
        goal,
        value: `p50 ${percentile(waits, 50).toFixed(1)} ms`,
        detail: `p99 ${percentile(waits, 99).toFixed(1)} ms, max ${percentile(waits, 100).toFixed(1)} ms, ${count} posts at 20/s`,
      });
    } finally {
      rmSync(folder, { recursive: true });
      await stage.stop();
    }
  }
  return lines;
}
