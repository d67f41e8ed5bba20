/** The canary on the page of sources. */
import { expect, test } from 'vitest';
import type { CanaryView } from '#src/api/deps.ts';
import { canarySection } from '#src/web/canary-section.ts';

const VIEW: CanaryView = {
  fault: null,
  roundAgeS: 10,
  passed: true,
  faults: [],
  auditAgeS: 9,
  findings: {},
  beatAgeS: 5,
  sinceS: 9_000,
  beatFault: null,
  hops: [
    { receiver: 'azure-monitor', hop: 'received', ageS: 10, everPassed: true, tookMs: 12 },
    { receiver: 'azure-monitor', hop: 'returned', ageS: 300, everPassed: false, tookMs: null },
  ],
};

test('without a canary there is no section', async () => {
  expect(String(await canarySection(null))).toBe('');
});

test('it says that all is well, or what is wrong, and how far each receiver got', async () => {
  const well = String(await canarySection(VIEW));
  expect(well).toContain('Every marked signal came through');
  expect(well).toContain('heartbeat 5 s ago');
  expect(well).toMatch(/10 s ago\s*<span class="dim">took 12 ms/);
  expect(well).toContain('never');
  const broken = String(await canarySection({ ...VIEW, fault: 'azure-monitor: <b>no</b>', beatFault: 'withheld: x' }));
  expect(broken).toContain('azure-monitor: &lt;b&gt;no&lt;/b&gt;');
  expect(broken).toContain('heartbeat: withheld: x');
  expect(String(await canarySection({ ...VIEW, fault: 'pending', hops: [] }))).toContain('on its way');
});
