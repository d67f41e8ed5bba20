/** The section `coverage`. */
import { expect, test } from 'vitest';
import { faultLines, GOOD, good } from './fixture.ts';

const AZURE = 'azure: {}\npublicUrl: https://relay.contoso.example\n';
const faults = (text: string): string[] => faultLines(GOOD + text).map((line) => line.replace(/^\S+ /, ''));

test('without the section nobody looks; an empty one looks every hour for all types', () => {
  expect(good(GOOD).coverage).toBeNull();
  expect(good(`${GOOD}${AZURE}coverage: {}\n`).coverage).toEqual({
    everyMs: 3_600_000,
    addresses: [],
    types: ['Incident', 'Maintenance', 'Informational', 'ActionRequired', 'Security'],
    services: [],
    exempt: [],
    ignore: [],
    summary: null,
  });
});

test('a summary has a day and a time, ids are compared without case', () => {
  const { coverage } = good(`${GOOD}${AZURE}coverage: { exempt: [ABC], summary: { to: hook } }\n`);
  expect(coverage).toMatchObject({ exempt: ['abc'], summary: { to: 'hook', day: 'monday', at: '08:00' } });
});

test('what cannot work is told at once, each with its place', () => {
  expect(faults('coverage: {}\n')).toEqual([
    'coverage: needs azure: rules and action groups are read with its identity; add azure: {}',
    'coverage: cannot tell which action groups lead here; set publicUrl, or coverage.addresses: [https://...]',
  ]);
  expect(faults(`${AZURE}coverage: { summary: { to: hok } }\n`)).toEqual([
    'coverage.summary.to: unknown destination "hok"; did you mean "hook"?',
  ]);
  // A pager wakes somebody for it.
  expect(faults(`${AZURE}coverage: { summary: { to: oncall } }\n`)).toEqual([
    'coverage.summary.to: pager takes no summary: it belongs to no page and no ticket; name a mail, chat or webhook destination',
  ]);
  const wrong = faults(
    `${AZURE}coverage: { every: 10s, types: [Incidents], ignore: [rule-off], addresses: [ftp://x], summary: { to: hook, at: "8" } }\n`,
  );
  expect(wrong).toHaveLength(5);
});

test('another address, or an Event Hub, is enough to know who leads here', () => {
  expect(
    good(`${GOOD}azure: {}\ncoverage: { addresses: ["https://hooks.contoso.example"] }\n`).coverage,
  ).not.toBeNull();
});
