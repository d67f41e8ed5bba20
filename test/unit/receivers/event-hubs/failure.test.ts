import { describe, expect, test } from 'vitest';
import { classifyFailure, PartitionDroppedError } from '#src/receivers/event-hubs/failure.ts';

const coded = (code: string, message = 'words'): Error => Object.assign(new Error(message), { code });
const wrapped = (...errors: Error[]): Error => new AggregateError(errors, '');

describe('an error of the SDK', () => {
  test.each([
    [coded('ReceiverDisconnectedError'), 'handover'],
    [new PartitionDroppedError('moved'), 'dropped'],
    [Object.assign(new Error('x'), { name: 'AbortError' }), 'stopped'],
    [coded('UnauthorizedError'), 'unauthorized'],
    [Object.assign(new Error('x'), { name: 'CredentialUnavailableError' }), 'unauthorized'],
    [coded('MessagingEntityNotFoundError'), 'not-found'],
    [coded('OperationTimeoutError'), 'unavailable'],
    [coded('ECONNREFUSED'), 'unavailable'],
    [new TypeError('x'), 'unavailable'],
    [undefined, 'unavailable'],
    ['text', 'unavailable'],
  ])('%s is %s', (error, kind) => {
    expect(classifyFailure(error).kind).toBe(kind);
  });

  test('is found inside nested wrappers, and the kind that says most is told', () => {
    const error = wrapped(wrapped(coded('OperationTimeoutError'), coded('UnauthorizedError', 'Put\n token failed')));
    expect(classifyFailure(error)).toEqual({ kind: 'unauthorized', message: 'UnauthorizedError: Put token failed' });
  });

  test('that wraps nothing, or itself without end, is still told', () => {
    expect(classifyFailure(wrapped()).kind).toBe('unavailable');
    const circle = new AggregateError([], 'round') as Error & { errors: unknown[] };
    circle.errors.push(circle);
    expect(classifyFailure(circle).message).toContain('round');
  });
});
