/** What work costs, for tests of what hostile input may cost. */

/** Processor time of work that does not wait, milliseconds. The clock would count what other processes do meanwhile. */
export function processorMs(work: () => unknown): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1_000;
}
