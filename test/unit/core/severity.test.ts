import { describe, expect, test } from 'vitest';
import { atLeast, gradeLevel, severityOfAlert, severityOfHealth } from '#src/core/severity.ts';
import type { Kind } from '#src/core/signal.ts';

describe('a level of the activity log', () => {
  test.each([
    ['Critical', 'critical'],
    ['Error', 'error'],
    ['Warning', 'warning'],
    ['Informational', 'info'],
    ['Information', 'info'],
    ['1', 'critical'],
    ['2', 'error'],
    ['4', 'info'],
    [null, 'warning'],
    ['Strange', 'warning'],
    ['__proto__', 'warning'],
  ] as const)('%s is %s, for certain', (level, severity) => {
    expect(gradeLevel(level, 'outage')).toEqual({ severity, certain: true });
  });

  test.each([
    ['outage', 'warning'],
    ['security', 'warning'],
    ['maintenance', 'info'],
    ['advisory', 'info'],
    ['change', 'info'],
  ] as [Kind, string][])('a bare 3 is a guess: %s is %s', (kind, severity) => {
    expect(gradeLevel('3', kind)).toEqual({ severity, certain: false });
  });

  test('a security advisory is at least a warning', () => {
    expect(gradeLevel('Informational', 'security').severity).toBe('warning');
    expect(gradeLevel('Critical', 'security').severity).toBe('critical');
  });
});

test.each([
  ['Sev0', 'critical'],
  ['sev1', 'error'],
  ['Sev2', 'warning'],
  ['Sev3', 'info'],
  ['Sev4', 'info'],
  ['3', 'info'],
  ['Error', 'error'],
  [null, 'warning'],
  ['Sev9', 'warning'],
] as const)('severity %s of an alert is %s', (sev, severity) => {
  expect(severityOfAlert(sev)).toBe(severity);
});

test.each([
  ['Unavailable', 'error'],
  ['Degraded', 'warning'],
  ['Unknown', 'warning'],
  [null, 'warning'],
  ['Available', 'info'],
] as const)('a resource that is %s is %s', (status, severity) => {
  expect(severityOfHealth(status)).toBe(severity);
});

test('atLeast takes the graver one', () => {
  expect(atLeast('info', 'warning')).toBe('warning');
  expect(atLeast('critical', 'warning')).toBe('critical');
});
