import { firstFree } from '#src/db/embedded/free-port.ts';

/** Above what `freePort` takes, below what outgoing connections are given: 12 blocks, one for each of vitest's workers. */
const FIRST = 20_000;
const BLOCK = 1_000;
const BLOCKS = 12;

/** Vitest's workers count from 1; anything else, such as the demo, has the first block. */
const start = FIRST + (Number(process.env['VITEST_POOL_ID'] ?? 0) % BLOCKS) * BLOCK;
let taken = Math.floor(Math.random() * BLOCK);

/**
 * A loopback port that no other file of tests is given at the same time, and this one not again: its server may be started
 * late, stopped, and started once more. Ports picked from one range for all were taken by another worker's vendor by then.
 *
 * @throws the last reason when 50 in a row are taken or forbidden
 */
export function ownPort(): Promise<number> {
  return firstFree(() => start + (taken++ % BLOCK));
}
