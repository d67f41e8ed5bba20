/** One outage: 500 subscriptions x 6 communications. Goal 4: first page under 1 s, one page in all, the lot under 3 s. */
import { runPart } from './processes.ts';
import { openStage } from './stage.ts';
import type { Line } from './table.ts';

export async function storm(): Promise<Line[]> {
  const stage = await openStage({ footing: 'redis', pager: true });
  try {
    const begin = performance.timeOrigin + performance.now();
    const load = await runPart('load', [
      stage.url,
      JSON.stringify({
        path: stage.path,
        shape: 'storm',
        count: 3_000,
        concurrency: 64,
        rate: 0,
        from: 0,
        timesFile: null,
      }),
    ]);
    let counts = await stage.sink.counts();
    for (let i = 0; i < 100 && counts.count < 8; i++) {
      await new Promise((done) => setTimeout(done, 50));
      counts = await stage.sink.counts();
    }
    return [
      {
        name: 'storm of 3,000 posts, all accepted',
        goal: '< 3 s',
        value: `${load['seconds']!.toFixed(2)} s`,
        detail: `${load['ok']} times 202, ${load['other']} other`,
      },
      {
        name: 'storm, first message out',
        goal: '< 1 s',
        value: `${((counts.first - begin) / 1000).toFixed(2)} s`,
        detail: `includes about 0.2 s of starting the generator; ${counts.pages} page, ${counts.count} messages in all`,
      },
    ];
  } finally {
    await stage.stop();
  }
}
