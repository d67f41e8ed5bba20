/** Accept path: posts per second with a durable commit, as a share of a handler that only parses. */
import { runPart, startPart, usage } from './processes.ts';
import { openStage } from './stage.ts';
import { median } from './stats.ts';
import type { Line } from './table.ts';

/** Goal 2: at least 80 % of the bare handler; p99 of the 202 under 50 ms at 1,000 per second. */
export async function accept({ runs, count }: { runs: number; count: number }): Promise<Line[]> {
  const bare = await startPart('bare');
  const bareUrl = `http://127.0.0.1:${String(bare.ready['port'])}`;
  const stage = await openStage({ footing: 'redis' });
  const load = (url: string, path: string, from: number, rate = 0): Promise<Record<string, number>> =>
    runPart('load', [
      url,
      JSON.stringify({
        path,
        shape: 'storm',
        count: rate > 0 ? rate * 5 : count,
        concurrency: 64,
        rate,
        from,
        timesFile: null,
      }),
    ]);
  try {
    await load(bareUrl, '/v1/receivers/azure-monitor', 0);
    await load(stage.url, stage.path, 0);
    const pairs: { ours: number; bare: number; distinct: number; cpuMs: number }[] = [];
    for (let run = 1; run <= runs; run++) {
      const b = await load(bareUrl, '/v1/receivers/azure-monitor', 0);
      const before = usage(stage.relay.process.pid!)?.cpuMs ?? 0;
      const o = await load(stage.url, stage.path, run * count);
      const cpuMs = ((usage(stage.relay.process.pid!)?.cpuMs ?? 0) - before) / count;
      const d = await runPart('load', [
        stage.url,
        JSON.stringify({
          path: stage.path,
          shape: 'distinct',
          count,
          concurrency: 64,
          rate: 0,
          from: run * count,
          timesFile: null,
        }),
      ]);
      pairs.push({ ours: o['perSecond']!, bare: b['perSecond']!, distinct: d['perSecond']!, cpuMs });
    }
    const paced = await load(stage.url, stage.path, 0, 1_000);
    const ratios = pairs.map((p) => p.ours / p.bare);
    return [
      {
        name: 'accept, repeats of one outage',
        goal: '>= 80 % of the bare handler',
        value: `${Math.round(median(ratios) * 100)} %`,
        detail: `${Math.round(median(pairs.map((p) => p.ours)))}/s against ${Math.round(median(pairs.map((p) => p.bare)))}/s, spread ${Math.round(Math.min(...ratios) * 100)}-${Math.round(Math.max(...ratios) * 100)} %, ${median(pairs.map((p) => p.cpuMs)).toFixed(3)} CPU-ms each`,
      },
      {
        name: 'accept, distinct incidents, while delivering them',
        goal: '-',
        value: `${Math.round(median(pairs.map((p) => p.distinct / p.bare)) * 100)} %`,
        detail: `${Math.round(median(pairs.map((p) => p.distinct)))}/s`,
      },
      {
        name: '202 at 1,000 per second, p99',
        goal: '< 50 ms',
        value: `${paced['p99']!.toFixed(1)} ms`,
        detail: `p50 ${paced['p50']!.toFixed(1)} ms`,
      },
    ];
  } finally {
    await bare.stop();
    await stage.stop();
  }
}
