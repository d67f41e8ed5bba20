/** Without tokens only this machine may call, under a name that nobody else can own. */
import { expect, test } from 'vitest';
import { isLocalCall } from '#src/api/auth.ts';

test.each(['localhost', 'localhost:8080', '127.0.0.1', '127.0.0.1:8080', '127.8.8.8', '[::1]', '[::1]:8080'])(
  'a call of %s from this machine is local',
  (host) => expect(isLocalCall('127.0.0.1', host)).toBe(true),
);

test.each([
  undefined,
  '',
  'evil.example',
  '127.0.0.1.evil.example',
  '127.evil.example:8080',
  '127.0.0.1.5',
  'localhost.evil.example',
  '::ffff:127.0.0.1.evil.example',
])('a call of %s is not, though it comes from this machine: the name may have been rebound', (host) =>
  expect(isLocalCall('127.0.0.1', host)).toBe(false),
);

test('a call from another machine is not, whatever name it gives', () => {
  expect(isLocalCall('10.0.0.5', 'localhost')).toBe(false);
  expect(isLocalCall(undefined, 'localhost')).toBe(false);
});
