/**
 * What a mail destination remembers between steps: subject and first reference, which never change within an incident
 * even when the headline grows or `from` moves to another domain, and who has got the present step.
 */
import { createHash } from 'node:crypto';
import { domainToASCII } from 'node:url';
import type { Memo } from '#src/core/adapter.ts';

export interface MailMemo {
  subject: string | null;
  root: string | null;
  /** Step key whose mail reached only some of the recipients. */
  step: string | null;
  /** How often that step was tried. */
  tries: number;
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
    tries: typeof memo['tries'] === 'number' ? memo['tries'] : 0,
    reached: text('reached')?.split(' ') ?? [],
  };
}

export function writeMemo({ subject, root, step, tries, reached }: MailMemo): Memo {
  return { subject, root, ...(step === null ? {} : { step, tries, reached: reached.join(' ') }) };
}

/** Stands for an address without being one; the same for both ways to write a domain with foreign letters. */
export function addressDigest(address: string): string {
  const at = address.lastIndexOf('@') + 1;
  const domain = address.slice(at);
  const plain = `${address.slice(0, at)}${domainToASCII(domain) || domain}`.toLowerCase();
  return createHash('sha256').update(plain).digest('hex').slice(0, 12);
}
