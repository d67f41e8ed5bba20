/** What a lost idle connection means, before and after the end has begun. */
import { expect, test } from 'vitest';
import { openPools } from '#src/db/pools.ts';

test('a connection that is lost is reported while the relay runs, and is no news once its end has begun', async () => {
  const reported: string[] = [];
  const pools = openPools('postgres://relay@127.0.0.1:1/relay', (error) => void reported.push(error.message));
  for (const pool of [pools.ingest, pools.delivery, pools.read, pools.heart]) pool.emit('error', new Error('gone'));
  expect(reported).toHaveLength(4);
  const ended = pools.end();
  for (const pool of [pools.ingest, pools.delivery, pools.read, pools.heart])
    pool.emit('error', new Error('shut down'));
  await ended;
  expect(reported).toEqual(['gone', 'gone', 'gone', 'gone']);
});
