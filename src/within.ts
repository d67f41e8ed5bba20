/**
 * What `work` resolves to, or `late()` thrown after `limitMs`. Work that is late goes on, and nobody hears of its end: for
 * libraries that cannot be told to stop.
 */
export async function within<T>(work: Promise<T>, limitMs: number, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), limitMs);
  });
  // The race hears a rejection that comes too late.
  return Promise.race([work, limit]).finally(() => clearTimeout(timer));
}
