/** What an error of the SDK means to us. Its retries end in an empty AggregateError, at times two of them nested (azure-local 1.2). */

export type FailureKind =
  /** A partition changed hands: everyday news. */
  | 'handover'
  /** We dropped the partition ourselves; it comes back with the position as it stands. */
  | 'dropped'
  /** A call was given up because we stop. */
  | 'stopped'
  | 'unauthorized'
  | 'not-found'
  | 'unavailable';

export interface Failure {
  kind: FailureKind;
  /** One line, at most 300 characters. */
  message: string;
}

/** Thrown into the SDK to stop one partition without a retry: it is not marked retryable, so the pump ends. */
export class PartitionDroppedError extends Error {
  override readonly name = 'PartitionDroppedError';
}

const KINDS: Readonly<Record<string, FailureKind>> = {
  ReceiverDisconnectedError: 'handover',
  PartitionDroppedError: 'dropped',
  AbortError: 'stopped',
  UnauthorizedError: 'unauthorized',
  UnauthorizedAccessError: 'unauthorized',
  CredentialUnavailableError: 'unauthorized',
  AuthenticationError: 'unauthorized',
  AuthenticationRequiredError: 'unauthorized',
  MessagingEntityNotFoundError: 'not-found',
  MessagingEntityDisabledError: 'not-found',
};
/** The kind that says most wins where several errors are wrapped. */
const WEIGHT: readonly FailureKind[] = ['unavailable', 'stopped', 'handover', 'dropped', 'not-found', 'unauthorized'];

/** Looks through any nesting. */
export function classifyFailure(error: unknown): Failure {
  const failures = innermost(error).map((inner): Failure => {
    const { name, code, message = '' } = inner as { name?: string; code?: unknown; message?: string };
    const label = typeof code === 'string' && code !== '' ? code : (name ?? 'Error');
    const kind = KINDS[label] ?? KINDS[name ?? ''] ?? 'unavailable';
    const line = `${label}: ${message}`.replaceAll(/\s+/g, ' ');
    return { kind, message: line.slice(0, 300) };
  });
  return failures.sort((a, b) => WEIGHT.indexOf(b.kind) - WEIGHT.indexOf(a.kind))[0]!;
}

function innermost(error: unknown, depth = 0): unknown[] {
  const inner = (error as { errors?: unknown } | null)?.errors;
  if (!Array.isArray(inner) || inner.length === 0 || depth > 5) return [error ?? new Error('unknown error')];
  return inner.flatMap((one) => innermost(one, depth + 1));
}
