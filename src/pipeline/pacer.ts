/** Keeps one destination under a rate of ours. Off unless the config asks: vendors answer 429 and that pauses by itself. */

export interface Pacer {
  /** Resolves when a call may go out; rejects when the signal fires first. */
  turn(signal: AbortSignal): Promise<void>;
}

/** At most `max` calls in any window of `perMs`. */
export function createPacer(rate: { max: number; perMs: number }): Pacer {
  const starts: number[] = [];
  let line: Promise<void> = Promise.resolve();
  async function wait(signal: AbortSignal): Promise<void> {
    const now = Date.now();
    while (starts.length > 0 && starts[0]! <= now - rate.perMs) starts.shift();
    if (starts.length >= rate.max) {
      const pauseMs = starts[0]! + rate.perMs - now;
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(resolve, pauseMs);
        signal.addEventListener('abort', () => (clearTimeout(timer), reject(signal.reason as Error)), { once: true });
      });
      starts.shift();
    }
    starts.push(Date.now());
  }
  return {
    turn(signal) {
      const mine = line.then(() => wait(signal));
      line = mine.catch(() => undefined);
      return mine;
    },
  };
}
