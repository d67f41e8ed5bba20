/** What a test asks of the canary of a running relay. */
import { expect } from 'vitest';
import type { CanaryView } from '#src/api/deps.ts';
import type { App } from '#src/app.ts';
import { getFrom } from './event-hubs/start.ts';
import { VendorServer } from './vendors/vendor-server.ts';

/** A dead man's switch: takes every ping. */
export function startHeartbeatServer(): Promise<VendorServer> {
  return new VendorServer(() => ({ status: 200, body: 'OK' })).start();
}

/** The canary as `/v1/sources` shows it; null before the first. */
export async function canaryOf(app: Pick<App, 'url'>): Promise<CanaryView | null> {
  const { canary } = (await getFrom(app as App, '/v1/sources')) as { canary: CanaryView | null };
  return canary;
}

/** Waits until every canary of a round has come back and the auditor is content. */
export async function untilWell(app: Pick<App, 'url'>, timeoutMs = 20_000): Promise<CanaryView> {
  let view: CanaryView | null = null;
  await expect
    .poll(
      async () => {
        view = await canaryOf(app);
        return view === null ? 'none' : (view.fault ?? 'well');
      },
      { timeout: timeoutMs, interval: 50 },
    )
    .toBe('well');
  return view!;
}

/** Waits until the canary says that something is wrong, and returns what, and after how many milliseconds. */
export async function untilUnwell(
  app: Pick<App, 'url'>,
  wanted: RegExp,
  timeoutMs = 30_000,
): Promise<{ fault: string; afterMs: number }> {
  const from = performance.now();
  let fault = '';
  await expect
    .poll(
      async () => {
        const ready = (await getFrom(app as App, '/readyz')) as { parts: { name: string; detail?: string }[] };
        fault = ready.parts.find((part) => part.name === 'canary')?.detail ?? '';
        return fault;
      },
      { timeout: timeoutMs, interval: 50 },
    )
    .toMatch(wanted);
  return { fault, afterMs: Math.round(performance.now() - from) };
}
