/** Clocks of this machine and of others, compared. What is measured over a network is known only to half its round trip. */
import { createHttpClient } from '#src/http/client.ts';
import type { Reporter, Subject } from './finding.ts';

export interface ClockReading {
  /** Our clock before the question and after the answer, milliseconds since 1970. */
  askedMs: number;
  answeredMs: number;
  /** Their clock in the answer. */
  theirsMs: number;
  /** How coarse their clock is: 1,000 for an HTTP date. */
  grainMs?: number;
}

export interface Skew {
  /** Above 0: their clock is ahead of ours. */
  skewMs: number;
  /** The truth lies within so much of it. */
  marginMs: number;
}

/** Postgres' clock decides about leases and retries, so these only tell what people would notice. */
const WARN_MS = 2_000;
/** Signatures and tokens are good for five minutes around now; a minute is well on the way there. */
const FAULT_MS = 60_000;

/** Their time is taken to be that of the middle of the round trip, and of the middle of its grain. */
export function skewOf({ askedMs, answeredMs, theirsMs, grainMs = 0 }: ClockReading): Skew {
  const roundTripMs = Math.max(0, answeredMs - askedMs);
  return {
    skewMs: theirsMs + grainMs / 2 - (askedMs + roundTripMs / 2),
    marginMs: roundTripMs / 2 + grainMs / 2,
  };
}

/** What is certain about a skew decides: a slow answer is no wrong clock. */
export function judgeSkew({ skewMs, marginMs }: Skew): 'ok' | 'warning' | 'fault' {
  const certainMs = Math.abs(skewMs) - marginMs;
  if (certainMs >= FAULT_MS) return 'fault';
  return certainMs >= WARN_MS ? 'warning' : 'ok';
}

/** Reports one comparison; `whose` as in "the clock of Postgres". */
export function reportSkew(report: Reporter, whose: string, reading: ClockReading): void {
  const skew = skewOf(reading);
  const status = judgeSkew(skew);
  const way = skew.skewMs >= 0 ? 'ahead of' : 'behind';
  const says = `the clock of ${whose} is ${spanText(Math.abs(skew.skewMs))} ${way} this machine's (to ${spanText(skew.marginMs)})`;
  if (status === 'ok') return report.ok('clock', says);
  const advice = {
    means:
      'times on timelines and in messages do not fit together; from five minutes on, signed call-backs and Entra tokens are refused',
    do: `compare both with a time server (\`timedatectl\`, \`chronyc tracking\`) and mend the one that is wrong`,
  };
  if (status === 'warning') report.warn('clock', says, advice);
  else report.fault('clock', says, advice);
}

/**
 * A third clock, where the relay talks to Azure Resource Manager anyway: the date of an answer to a call without a
 * token. Vendors are not asked: none is called without a delivery.
 */
export async function checkAzureClock({ config }: Subject, report: Reporter): Promise<void> {
  if (config.azure === null) return;
  const client = createHttpClient({ egress: config.egress });
  try {
    const askedMs = Date.now();
    const answer = await client.call({ signal: AbortSignal.timeout(8_000), deadlineMs: 8_000 })({
      method: 'GET',
      url: `${config.azure.armUrl}/subscriptions?api-version=2022-12-01`,
    });
    const answeredMs = Date.now();
    if (!answer.answered) {
      return report.warn('reach', `no answer of ${config.azure.armUrl}: ${answer.detail}`, {
        means: 'back-fill and the estate cannot ask Azure from here',
        do: 'let this machine reach Azure Resource Manager, and see egress.allow where it is a private address',
      });
    }
    report.ok('reach', `${config.azure.armUrl} answers`);
    const theirsMs = Date.parse(answer.headers['date'] ?? '');
    if (!Number.isNaN(theirsMs)) reportSkew(report, 'Azure', { askedMs, answeredMs, theirsMs, grainMs: 1_000 });
  } finally {
    await client.close();
  }
}

function spanText(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return ms < 120_000 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.round(ms / 60_000)} min`;
}
