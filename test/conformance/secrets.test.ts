/** Keys, passwords and secret URLs never come back: not in outcomes, receipts, memos, logs or faults of the settings. */
import { expect, it } from 'vitest';
import type { Fault } from '#test/support/vendors/vendor-server.ts';
import { serverOf } from './delivery.ts';
import { forEachAdapter, SMTP_KINDS } from './registry.ts';

function expectNone(value: unknown, secrets: readonly string[]): void {
  const text = JSON.stringify(value);
  for (const secret of secrets) {
    expect(text).not.toContain(secret);
    expect(text).not.toContain(encodeURIComponent(secret));
  }
}

await forEachAdapter(({ adapter, onBench }) => {
  it('are long enough to be looked for', () =>
    onBench(async (_delivery, { secrets }) => {
      expect(secrets.length).toBeGreaterThan(0);
      for (const secret of secrets) expect(secret.length).toBeGreaterThanOrEqual(8);
    }));

  it('stay out of outcome, memo and log in a whole life, and when the vendor does not listen', () =>
    onBench(async (delivery, running) => {
      for (const action of ['open', 'update', 'resolve', 'note', 'retract'] as const) await delivery.run({ action });
      await running.stop();
      await delivery.run();
      expect(delivery.trace.length).toBeGreaterThanOrEqual(6);
      expectNone([delivery.trace, delivery.memo], running.secrets);
    }));

  it('stay out of the faults of broken settings', () =>
    onBench(async (_delivery, { settings, secrets }) => {
      for (const key of Object.keys(settings)) {
        for (const broken of [{ nested: secrets[0] }, `\u{0}${secrets[0]}`, 17, null]) {
          const result = adapter.settings.safeParse({ ...settings, [key]: broken });
          expectNone(result.error?.issues ?? [], secrets);
        }
      }
    }));
});

await forEachAdapter(
  ({ onBench }) => {
    it.each([200, 400, 401, 429, 500])('stay out of everything when the vendor echoes them in a %i', (status) =>
      onBench(async (delivery, running) => {
        const echo = running.secrets.flatMap((secret) => [secret, encodeURIComponent(secret)]).join(' ');
        const body = { errors: [echo], message: echo, id: echo };
        const fault: Fault = { kind: 'answer', answer: { status, body, headers: { 'x-request-id': echo } } };
        serverOf(running).failAlways(fault);
        await delivery.run();
        expectNone([delivery.trace, delivery.memo], running.secrets);
      }),
    );
  },
  (kind) => !SMTP_KINDS.includes(kind),
);
