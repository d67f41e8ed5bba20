import { expect, test } from 'vitest';
import { preferredType } from '#src/api/accept.ts';

const TYPES = ['application/json', 'text/markdown', 'text/csv', 'text/html'] as const;

test.each([
  [undefined, 'application/json'],
  ['', 'application/json'],
  ['*/*', 'application/json'],
  ['application/*', 'application/json'],
  ['image/png', 'application/json'],
  ['text/markdown', 'text/markdown'],
  ['TEXT/CSV', 'text/csv'],
  ['text/csv; header=present; q=0.9, application/json;q=0.5', 'text/csv'],
  ['text/markdown;q=0.2, text/csv;q=0.7', 'text/csv'],
  ['text/markdown;q=0, */*', 'application/json'],
  ['application/json, text/plain, */*', 'application/json'],
  ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'text/html'],
  [';;;,,q=', 'application/json'],
])('Accept: %s wants %s', (accept, type) => expect(preferredType(accept, TYPES)).toBe(type));
