/** Work that is done round after round until the end, one round at a time. */

export interface Rounds {
  start(): void;
  /** Aborts the round under way and waits for it. */
  stop(): Promise<void>;
  readonly signal: AbortSignal;
}

/** `work` must not reject; it looks at the signal where it waits. The pause counts from the end of a round. */
export function createRounds(work: () => Promise<void>, pauseMs: number): Rounds {
  const abort = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | null = null;

  async function loop(): Promise<void> {
    running = work();
    await running;
    if (!abort.signal.aborted) timer = setTimeout(() => void loop(), pauseMs);
  }

  return {
    start: () => void loop(),
    async stop() {
      abort.abort();
      clearTimeout(timer);
      await running;
    },
    signal: abort.signal,
  };
}
