/** `relay coverage` on a terminal. */
import { expect, test } from 'vitest';
import { asText } from '#src/cli/coverage.ts';

const LONG =
  'rule sh-all in rg-health calls ag-operations, whose webhook https://gateway.contoso.example/azure asks for a token that is not among receivers.tokens';
const ROW = {
  subscription: '11111111-aaaa-4aaa-8aaa-000000000001',
  name: 'Payments production West Europe',
  status: 'uncovered',
  findings: [
    { kind: 'group-not-global', detail: LONG },
    { kind: 'services-missing', detail: 'Container Registry, Azure Kubernetes Service (AKS)' },
  ],
  lastHeardAt: '2026-11-25T12:00:00.000Z',
};
const COVERAGE = {
  known: true,
  unknown: null,
  well: false,
  takenAt: '2026-11-25T12:30:00.000Z',
  counts: { uncovered: 1, covered: 1 },
  unlisted: [{ subscription: '22222222-aaaa-4aaa-8aaa-000000000002', lastHeardAt: '2026-11-25T12:00:00.000Z' }],
  subscriptions: [ROW, { ...ROW, subscription: ROW.subscription.replace('1', '3'), status: 'covered', findings: [] }],
};

test('every finding stands whole below its subscription, in lines of at most 100 characters', () => {
  const text = asText(COVERAGE, false);
  const lines = text.split('\n');
  expect(lines.filter((line) => line.length > 100)).toEqual([]);
  expect(text.replaceAll(/\s+/g, ' ')).toContain(LONG);
  expect(lines.slice(0, 3).map((line) => line.slice(0, 40).trimEnd())).toEqual([
    'SUBSCRIPTION                          ST',
    '11111111-aaaa-4aaa-8aaa-000000000001  un',
    '  group-not-global  rule sh-all in rg-he',
  ]);
  expect(text).toContain('22222222-aaaa-4aaa-8aaa-000000000002  unlisted ');
  expect(text).not.toContain('covered  2026-11-25 12:00Z  Payments production West Europe\n3');
  expect(text).toMatch(/audited 2026-11-25 12:30Z: 1 uncovered, 1 covered, 1 unlisted\n$/);
});

test('what nothing is wrong with is shown when asked for, and a list of nothing has no header', () => {
  expect(asText(COVERAGE, true)).toContain('31111111-aaaa-4aaa-8aaa-000000000001  covered ');
  const none = asText({ ...COVERAGE, subscriptions: [], unlisted: [], counts: { covered: 2 } }, false);
  expect(none).toBe('audited 2026-11-25 12:30Z: 2 covered\n');
});
