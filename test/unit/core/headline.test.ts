/** The first line of every message. */
import { expect, test } from 'vitest';
import { headline } from '#src/core/headline.ts';

const OUTAGE = { kind: 'outage', trackingId: 'CNT1-0AR' } as const;
const impacts = [
  { service: 'Container Registry', region: 'West Europe' },
  { service: 'Container Registry', region: 'North Europe' },
];

test('says what, where and the tracking ID, and says service and region once', () => {
  const title = 'Container Registry - West Europe - image pulls fail';
  expect(headline({ ...OUTAGE, title, impacts })).toBe(
    '[Outage] Container Registry, West Europe +1: image pulls fail (CNT1-0AR)',
  );
});

test('no mark in a title turns the direction of what stands behind it', () => {
  expect(headline({ ...OUTAGE, title: '\u{202E}lluf\u{2066} ksid', impacts: [] })).toBe(
    '[Outage] lluf ksid (CNT1-0AR)',
  );
  expect(headline({ ...OUTAGE, title: 'تعذر سحب الصور', impacts: [] })).toBe('[Outage] تعذر سحب الصور (CNT1-0AR)');
});
