/**
 * A BullMQ worker that rests after an error. BullMQ 6.7 waits before it fetches again only when the error says
 * ECONNREFUSED; after any other (a Postgres connection cut, Redis full) its loop fetches at once, again and again: some
 * 30,000 errors a second here, and nothing else runs in the process.
 */
export interface Restartable {
  on(event: 'error', listener: (error: Error) => void): unknown;
  close(force?: boolean): Promise<void>;
}

const REST_MS = 1_000;

/** Keeps one worker running; `make` is called anew after each rest. */
export function supervise(make: () => Restartable, onError: (error: Error) => void): { close(): Promise<void> } {
  let current: Restartable | null = null;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  function begin(): void {
    const worker = make();
    current = worker;
    worker.on('error', (error) => {
      if (closed || current !== worker) return;
      current = null;
      onError(error);
      // Jobs under way go on: they are drains, and what they hold is held in the database.
      worker.close(true).catch(() => undefined);
      timer = setTimeout(begin, REST_MS);
    });
  }

  begin();
  return {
    async close() {
      closed = true;
      clearTimeout(timer);
      await current?.close();
    },
  };
}
