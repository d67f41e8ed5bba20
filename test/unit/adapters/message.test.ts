/** The parts of a message: same words in every channel. */
import { describe as group, expect, it } from 'vitest';
import { describe } from '#adapters/shared/message.ts';
import { timeIn } from '#adapters/shared/time.ts';
import type { DestinationView } from '#src/core/adapter.ts';
import { incidentView, makeStep } from '#test/support/steps.ts';

const destination: DestinationView = { name: 'channel', id: 'channel', timezone: 'Europe/Berlin', sensitive: 'full' };
const partsOf = (overrides: Parameters<typeof makeStep>[0] = {}, view: Partial<DestinationView> = {}) =>
  describe(makeStep(overrides), { destination: { ...destination, ...view } });
const factOf = (label: string, overrides: Parameters<typeof makeStep>[0]) =>
  partsOf(overrides).facts.find((fact) => fact.label === label)?.value;

group('the stage', () => {
  it.each([
    ['open', { stage: 'Active' }, 'Active', 'attention'],
    ['update', { stage: 'InProgress', kind: 'maintenance' }, 'In progress', 'accent'],
    ['open', { stage: 'Planned', state: 'planned', kind: 'maintenance', severity: 'info' }, 'Planned', 'accent'],
    ['open', { stage: null, severity: 'warning' }, 'Active', 'warning'],
    ['resolve', { stage: 'Resolved', state: 'resolved' }, 'RESOLVED', 'good'],
    ['open', { stage: 'Resolved', state: 'resolved' }, 'RESOLVED', 'good'],
    ['resolve', { stage: 'Complete', state: 'resolved' }, 'COMPLETE', 'good'],
    ['resolve', { stage: 'Active', state: 'closed' }, 'CLOSED', 'good'],
    ['note', { stage: 'RCA', state: 'resolved' }, 'Root cause analysis', 'neutral'],
    ['retract', { stage: 'Resolved', state: 'resolved' }, 'RETRACTED', 'good'],
  ] as const)('of %s %o is %s', (action, incident, stageLine, tone) => {
    expect(partsOf({ action, incident })).toMatchObject({ stageLine, tone });
  });

  it('follows the marks, each explained in a sentence', () => {
    const parts = partsOf({ test: true, repeat: true, late: true, catchUp: true, covers: [3, 7] });
    expect(parts.stageLine).toBe('TEST · REPEAT · LATE · CATCH-UP · Active');
    expect(parts.notices).toHaveLength(4);
    expect(parts.notices.join(' ')).toContain('revisions 3 to 7');
  });

  it('never changes the headline', () => {
    const headlines = (['open', 'update', 'resolve', 'note'] as const).map(
      (action) => partsOf({ action, repeat: true }).headline,
    );
    expect(new Set(headlines)).toEqual(new Set([incidentView().headline]));
  });
});

group('the facts', () => {
  it('keep service and region paired', () => {
    const impacts = [
      { service: 'Container Registry', region: 'West Europe' },
      { service: 'App Service', region: 'East US' },
      { service: 'Container Registry', region: 'North Europe' },
      { service: 'Azure Portal', region: '' },
    ];
    expect(factOf('Service and region', { incident: { impacts } })).toBe(
      'Container Registry: West Europe, North Europe; App Service: East US; Azure Portal',
    );
  });

  it.each([
    ['Planned start', { kind: 'maintenance', state: 'planned', stage: 'Planned' }],
    ['Planned start', { kind: 'maintenance', state: 'planned', stage: 'Rescheduled' }],
    ['Planned start', { kind: 'maintenance', state: 'resolved', stage: 'Canceled' }],
    ['Started', { kind: 'maintenance', state: 'active', stage: 'InProgress' }],
    ['Started', { kind: 'maintenance', state: 'resolved', stage: 'Complete' }],
    ['Started', { kind: 'outage', state: 'active', stage: 'Active' }],
  ] as const)('call the start "%s" for %o: what is only planned has not started', (label, incident) => {
    const labels = partsOf({ incident }).facts.map((fact) => fact.label);
    expect(labels.filter((one) => /start/i.test(one))).toEqual([label]);
  });

  it('name subscriptions, then the total', () => {
    expect(factOf('Subscriptions', {})).toBe(
      'Payments prod (payments), 8e2b7d41-6c09-4d5f-b1aa-90d3c7e5f622 and 23 more (25 in all)',
    );
  });

  it('are bounded however large the incident is', () => {
    const many = Array.from({ length: 5_000 }, (_, i) => ({
      service: `Service ${i} ${'x'.repeat(200)}`,
      region: `Region ${i}`,
    }));
    const { facts } = partsOf({
      incident: {
        impacts: many,
        resources: many.map(({ service }) => `/a/${service}`),
        details: { Query: 'q'.repeat(2_000) },
      },
    });
    for (const { value } of facts) expect(Array.from(value).length).toBeLessThanOrEqual(720);
    expect(facts.find(({ label }) => label === 'Service and region')?.value).toContain('and 4990 more');
    expect(facts.find(({ label }) => label === 'Query')?.value).toContain('[cut]');
  });
});

group('what a destination must not or cannot show', () => {
  it('leaves Microsoft text, changes and details from a redacted destination, not scope and links', () => {
    const parts = partsOf({ changes: ['Title is now x.'] }, { sensitive: 'redacted' });
    expect(parts).toMatchObject({ communication: null, changes: [] });
    expect(parts.facts.map(({ label }) => label)).not.toContain('Incident type');
    expect(parts.facts.map(({ label }) => label)).toContain('Service and region');
    expect(parts.links).toHaveLength(3);
  });

  it('offers no link that is none', () => {
    const parts = partsOf({
      links: { timeline: null, portal: 'javascript:alert(1)' },
      route: { runbook: 'wiki/azure', note: null, fields: {} },
    });
    expect(parts.links).toEqual([]);
    expect(parts.runbook).toBeNull();
  });
});

group('times', () => {
  it.each([
    ['Europe/Berlin', '23 Nov 2026, 08:05 UTC (09:05 Europe/Berlin)'],
    ['Asia/Tokyo', '23 Nov 2026, 08:05 UTC (17:05 Asia/Tokyo)'],
    ['Pacific/Honolulu', '23 Nov 2026, 08:05 UTC (22 Nov, 22:05 Pacific/Honolulu)'],
    ['UTC', '23 Nov 2026, 08:05 UTC'],
    ['Mars/Olympus', '23 Nov 2026, 08:05 UTC'],
  ])('in %s show UTC first', (timezone, text) => {
    expect(timeIn('2026-11-23T08:05:00.000Z', timezone)).toBe(text);
  });

  it('show midnight as 00 and keep what is no date', () => {
    expect(timeIn('2026-11-23T23:00:00.000Z', 'Europe/Berlin')).toContain('(24 Nov, 00:00 Europe/Berlin)');
    expect(timeIn('soon', 'Europe/Berlin')).toBe('soon');
  });
});
