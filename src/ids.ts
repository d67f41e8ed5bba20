/** Ids that sort by time of creation, so that new rows land at the end of their indexes. */
import { randomFillSync } from 'node:crypto';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** A system call per id cost 9 us, a sixth of the whole fold; a pool of 4 KiB serves 341 ids. */
const pool = Buffer.alloc(4096);
const CHANCE = 12;
let used = pool.length;

/** `inc_`, `dlv_`, `sig_`, `sil_` plus 9 characters of time and 12 of chance (60 bits). Safe in URLs and BullMQ names. */
export function newId(prefix: 'inc' | 'dlv' | 'sig' | 'sil' | 'wrk' | 'req', nowMs: number = Date.now()): string {
  let time = '';
  for (let left = nowMs, i = 0; i < 9; i++, left = Math.floor(left / 32)) time = ALPHABET[left % 32] + time;
  let chance = '';
  if (used + CHANCE > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  for (const end = used + CHANCE; used < end; used++) chance += ALPHABET[pool[used]! % 32];
  return `${prefix}_${time}${chance}`;
}
