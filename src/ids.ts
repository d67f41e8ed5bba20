/** Ids that sort by time of creation, so that new rows land at the end of their indexes. */
import { randomBytes } from 'node:crypto';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** `inc_`, `dlv_`, `sig_` plus 9 characters of time and 12 of chance (60 bits). Safe in URLs and BullMQ names. */
export function newId(prefix: 'inc' | 'dlv' | 'sig' | 'wrk' | 'req', nowMs: number = Date.now()): string {
  let time = '';
  for (let left = nowMs, i = 0; i < 9; i++, left = Math.floor(left / 32)) time = ALPHABET[left % 32] + time;
  let chance = '';
  for (const byte of randomBytes(12)) chance += ALPHABET[byte % 32];
  return `${prefix}_${time}${chance}`;
}
