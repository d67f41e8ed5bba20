import { defineConfig } from 'vitest/config';

/** Suites by cost. `unit` has no I/O; the others talk to real servers that they start themselves. */
const project = (name: string, testTimeout: number, order: number) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    testTimeout,
    hookTimeout: 60_000,
    sequence: { groupOrder: order },
    // A poll that holds returns at once, so long costs nothing; one second, the default, is short for three suites on two shared cores.
    expect: { poll: { timeout: 15_000 } },
  },
});

export default defineConfig({
  test: {
    projects: [
      project('unit', 20_000, 0),
      project('conformance', 30_000, 1),
      project('integration', 60_000, 2),
      project('e2e', 120_000, 3),
    ],
    // More than cores: most of the time goes into waiting for leases, pauses and time-outs.
    maxWorkers: 4,
    coverage: { provider: 'v8', include: ['src/core/**'] },
  },
});
