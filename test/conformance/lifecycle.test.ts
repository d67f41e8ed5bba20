/** The life of an incident at every destination, as the person on call sees it (destinations 0.1). */
import { expect, it } from 'vitest';
import { communicationView } from '#test/support/steps.ts';
import type { StepOverrides } from './delivery.ts';
import { forEachAdapter, LOUD_KINDS } from './registry.ts';

const UPDATE: StepOverrides = {
  action: 'update',
  covers: [2, 2],
  incident: { revision: 2, severity: 'critical' },
  communication: communicationView({ id: '2', title: 'Update', html: '<p>Mitigation is under way.</p>' }),
  changes: ['Severity rose from error to critical.'],
};

const RESOLVE: StepOverrides = {
  action: 'resolve',
  covers: [3, 3],
  incident: { revision: 3, state: 'resolved', stage: 'Resolved', resolvedAt: '2026-11-23T10:40:00.000Z' },
  communication: communicationView({ id: '3', title: 'Resolved', html: '<p>This issue is mitigated.</p>' }),
  changes: ['Stage is now Resolved.'],
};

const ROOT_CAUSE: StepOverrides = {
  action: 'note',
  covers: [4, 4],
  incident: { revision: 4, state: 'resolved', stage: 'RCA', resolvedAt: '2026-11-23T10:40:00.000Z' },
  communication: communicationView({ id: '4', title: 'RCA', html: '<p>What happened: a faulty configuration.</p>' }),
  changes: ['Microsoft posted a root cause analysis.'],
};

await forEachAdapter(({ adapter, bench, onBench }) => {
  const standing = bench.lifecycle === 'stateful' ? 1 : 0;

  it('opens with something that names service and tracking ID and links to the timeline', () =>
    onBench(async (delivery, running) => {
      const outcome = await delivery.run();
      expect(outcome).toMatchObject({ outcome: 'accepted' });
      const { open, refused, messages } = await running.observed();
      expect({ open, refused }).toEqual({ open: standing, refused: 0 });
      const text = messages.map((message) => message.text).join('\n');
      expect(text).toContain('CNT1-0AR');
      expect(text).toContain('Container Registry');
      expect(messages.flatMap(({ links }) => links)).toContain('https://relay.example/incidents/inc_01k7q2v9m3x4');
    }));

  it('tells of an update without waking anybody again', () =>
    onBench(async (delivery, running) => {
      await delivery.run();
      const before = await running.observed();
      expect(await delivery.run(UPDATE)).toMatchObject({ outcome: 'accepted' });
      const after = await running.observed();
      expect(after.messages.length).toBeGreaterThan(before.messages.length);
      expect({ woken: after.woken, open: after.open, refused: after.refused }).toEqual({
        woken: before.woken,
        open: standing,
        refused: 0,
      });
    }));

  it('closes on resolve, and a root cause analysis afterwards wakes nobody and opens nothing', () =>
    onBench(async (delivery, running) => {
      await delivery.run();
      const { woken } = await running.observed();
      expect(await delivery.run(RESOLVE)).toMatchObject({ outcome: 'accepted' });
      const resolved = await running.observed();
      expect(resolved.open).toBe(0);
      expect(await delivery.run(ROOT_CAUSE)).toMatchObject({ outcome: 'accepted' });
      const noted = await running.observed();
      expect({ woken: noted.woken, open: noted.open, refused: noted.refused }).toEqual({ woken, open: 0, refused: 0 });
      expect(noted.messages.length).toBeGreaterThan(resolved.messages.length);
    }));

  it('tells of an incident that was first seen closed without waking anybody', () =>
    onBench(async (delivery, running) => {
      const outcome = await delivery.run(RESOLVE);
      expect(outcome).toMatchObject({ outcome: 'accepted' });
      const { woken, open, refused, messages } = await running.observed();
      expect({ woken, open, refused }).toEqual({ woken: 0, open: 0, refused: 0 });
      if (LOUD_KINDS.includes(adapter.kind)) expect(JSON.stringify(outcome)).toContain('not sent');
      else expect(messages.map(({ text }) => text).join('\n')).toContain('CNT1-0AR');
    }));

  it('takes a resolve whose opening never arrived', () =>
    onBench(async (delivery, running) => {
      delivery.opened = true;
      delivery.told = true;
      expect(await delivery.run(RESOLVE)).toMatchObject({ outcome: 'accepted' });
      const { woken, open, refused } = await running.observed();
      expect({ woken, open, refused }).toEqual({ woken: 0, open: 0, refused: 0 });
    }));

  it('opens again after a resolve', () =>
    onBench(async (delivery, running) => {
      await delivery.run();
      await delivery.run(RESOLVE);
      const resolved = await running.observed();
      expect(await delivery.run({ covers: [4, 4], incident: { revision: 4 } })).toMatchObject({ outcome: 'accepted' });
      const reopened = await running.observed();
      expect({ open: reopened.open, refused: reopened.refused }).toEqual({ open: standing, refused: 0 });
      expect(reopened.messages.length).toBeGreaterThan(resolved.messages.length);
      await delivery.run({ ...RESOLVE, covers: [5, 5] });
      expect((await running.observed()).open).toBe(0);
    }));

  it('closes on retract', () =>
    onBench(async (delivery, running) => {
      await delivery.run();
      const { woken } = await running.observed();
      expect(await delivery.run({ ...RESOLVE, action: 'retract' })).toMatchObject({ outcome: 'accepted' });
      const after = await running.observed();
      expect({ woken: after.woken, open: after.open }).toEqual({ woken, open: 0 });
    }));

  it('marks a test', () =>
    onBench(async (delivery, running) => {
      expect(await delivery.run({ test: true })).toMatchObject({ outcome: 'accepted' });
      const { messages, refused } = await running.observed();
      expect(refused).toBe(0);
      expect(messages.map(({ text }) => text).join('\n')).toMatch(/\btest\b/i);
    }));

  it('remembers at most 8 KiB', () =>
    onBench(async (delivery) => {
      for (const step of [{}, UPDATE, RESOLVE, ROOT_CAUSE]) await delivery.run(step);
      expect(Buffer.byteLength(JSON.stringify(delivery.memo))).toBeLessThanOrEqual(8_192);
    }));

  it('leaves one record for a step that is repeated after a crash, or says that it is a repeat', () =>
    onBench(async (delivery, running) => {
      for (const step of [{}, RESOLVE]) {
        await delivery.run(step, { crash: true });
        const once = await running.observed();
        expect(await delivery.again()).toMatchObject({ outcome: 'accepted' });
        const twice = await running.observed();
        if (adapter.repeat === 'mark') expect(twice.messages.at(-1)?.text).toMatch(/repeat/i);
        else {
          expect(twice.records).toBe(once.records);
          expect(twice.woken).toBe(once.woken);
        }
      }
    }));
});
