/**
 * What a mail destination remembers between steps: subject and first reference, which never change within an incident
 * even when the headline grows or `from` moves to another domain, and who has got the present step.
 */
import { createHash } from 'node:crypto';
import type { Memo } from '#src/core/adapter.ts';

export interface MailMemo {
  subject: string | null;
  root: string | null;
  /** Step key whose mail reached only some of the recipients. */
  step: string | null;
  /** Digests of the addresses that were reached, 12 hex characters each: 50 of them fit well into the memo. */
  reached: readonly string[];
}

/** Reads what `writeMemo` wrote; anything else is as if nothing was remembered. */
export function readMemo(memo: Memo): MailMemo {
  const text = (key: string): string | null => (typeof memo[key] === 'string' ? memo[key] : null);
  return {
    subject: text('subject'),
    root: text('root'),
    step: text('step'),
    reached: text('reached')?.split(' ') ?? [],
  };
}

export function writeMemo({ subject, root, step, reached }: MailMemo): Memo {
  return { subject, root, ...(step === null ? {} : { step, reached: reached.join(' ') }) };
}

/** Stands for an address without being one. */
export function addressDigest(address: string): string {
  return createHash('sha256').update(address.toLowerCase()).digest('hex').slice(0, 12);
}
