/** Name resolution under the egress rules: only addresses that may be called come back. */
import { isIP } from 'node:net';
import { checkAddress, type EgressRules } from './egress.ts';

export interface ResolvedAddress {
  address: string;
  family: number;
}

/** A target that the egress rules refuse. The message names the rule. */
export class EgressError extends Error {
  override readonly name = 'EgressError';
}

/**
 * Resolves `host` and keeps the addresses that the rules permit. Throws `EgressError` when none is left, so a name
 * that answers with a public and a private address (DNS rebinding) only ever leads to the public one.
 */
export async function resolveAllowed(
  host: string,
  options: { tls: boolean; egress: EgressRules; resolve: (host: string) => Promise<ResolvedAddress[]> },
): Promise<ResolvedAddress[]> {
  const { tls, egress, resolve } = options;
  const version = isIP(host);
  const found = version === 0 ? await resolve(host) : [{ address: host, family: version }];
  let fault: string | null = null;
  const allowed = found.filter(({ address }) => {
    const refused = checkAddress({ host, address, tls }, egress);
    fault ??= refused;
    return refused === null;
  });
  if (allowed.length === 0) throw new EgressError(fault ?? `${host} resolves to no address`);
  return allowed;
}
