/** The facts of an incident: Azure's are replaced by its next post, ours stay until we say something else. */
import { expect, test } from 'vitest';
import { detailsAfter } from '#src/core/details.ts';

const post = { type: 'service-health', phase: 'update', details: { 'Event type': 'Incident' } } as const;
const evidence = { type: 'evidence', phase: 'note', details: { Evidence: 'acr1 hit' } } as const;

test('evidence is added to what stands, outlives every post, and is replaced by newer evidence only', () => {
  const first = detailsAfter({ Old: '1' }, evidence, true);
  expect(first).toEqual({ Old: '1', Evidence: 'acr1 hit' });
  const second = detailsAfter(first, post, true);
  expect(second).toEqual({ 'Event type': 'Incident', Evidence: 'acr1 hit' });
  expect(detailsAfter(second, { ...evidence, details: { Evidence: 'not seen' } }, true)).toMatchObject({
    Evidence: 'not seen',
  });
});

test('a late post, one that is known, and a note change nothing; without evidence none is made up', () => {
  const stands = { Old: '1', Evidence: 'x' };
  expect(detailsAfter(stands, post, false)).toBe(stands);
  expect(detailsAfter(stands, { ...post, phase: 'note' }, true)).toBe(stands);
  expect(detailsAfter({ Old: '1' }, post, true)).toEqual({ 'Event type': 'Incident' });
});
