/** What goes wrong on the way, and what the adapter may say about it: never `accepted` without a proof, never a second page. */
import { expect, it } from 'vitest';
import { communicationView } from '#test/support/steps.ts';
import { VendorServer, type VendorAnswer } from '#test/support/vendors/vendor-server.ts';
import { breakWrite, serverOf } from './delivery.ts';
import { ANY_2XX_KINDS, forEachAdapter, SIGN_IN_REDIRECT_KINDS, SMTP_KINDS } from './registry.ts';

/** What proxies, sign-in pages and sleeping instances answer in place of the vendor. */
const SIGN_IN_PAGE: VendorAnswer = {
  status: 200,
  headers: { 'content-type': 'text/html' },
  body: '<!DOCTYPE html><html><body>Sign in</body></html>',
};

await forEachAdapter(({ onBench }) => {
  it('can be tried again when the vendor does not listen', () =>
    onBench(async (delivery, running) => {
      await running.stop();
      expect(await delivery.run()).toMatchObject({ outcome: 'retryable', reason: 'connect' });
    }));

  it('ends at once when the relay has aborted already, without effect', () =>
    onBench(async (delivery, running) => {
      const outcome = await delivery.run({}, { signal: AbortSignal.abort() });
      expect(outcome.outcome).not.toBe('accepted');
      expect((await running.observed()).records).toBe(0);
    }));
});

await forEachAdapter(
  ({ adapter, bench, onBench }) => {
    const wrongBodies = ANY_2XX_KINDS.includes(adapter.kind) ? [] : [SIGN_IN_PAGE, ...bench.wrongBodies];

    it.each([
      ['seconds', () => '7', 7_000, 7_000],
      ['a date', () => new Date(Date.now() + 600_000).toUTCString(), 300_000, 601_000],
      ['an absurd time', () => '99999999', 3_600_000, 3_600_000],
      ['zero', () => '0', 1_000, 1_000],
    ])('passes on a 429 with Retry-After as %s, clamped', (_name, retryAfter, atLeastMs, atMostMs) =>
      onBench(async (delivery, running) => {
        serverOf(running).failAlways({
          kind: 'answer',
          answer: { status: 429, headers: { 'retry-after': retryAfter() } },
        });
        const outcome = await delivery.run();
        expect(outcome).toMatchObject({ outcome: 'retryable', reason: 'rate-limited', status: 429 });
        const waitMs = outcome.outcome === 'retryable' ? outcome.retryAfterMs : undefined;
        expect(waitMs).toBeGreaterThanOrEqual(atLeastMs);
        expect(waitMs).toBeLessThanOrEqual(atMostMs);
      }),
    );

    it.each([
      ['absent', {}],
      ['nonsense', { 'retry-after': 'soon' }],
    ])('is rate limited also where Retry-After is %s', (_name, headers) =>
      onBench(async (delivery, running) => {
        serverOf(running).failAlways({ kind: 'answer', answer: { status: 429, headers } });
        expect(await delivery.run()).toMatchObject({ outcome: 'retryable', reason: 'rate-limited' });
      }),
    );

    it.each([400, 401, 403])('fails for good on a %i', (status) =>
      onBench(async (delivery, running) => {
        serverOf(running).failAlways({ kind: 'answer', answer: { status } });
        expect(await delivery.run()).toMatchObject({ outcome: 'permanent', status });
      }),
    );

    it('can be tried again after a 503, and then opens once', () =>
      onBench(async (delivery, running) => {
        breakWrite(bench, running, { kind: 'answer', answer: { status: 503 } });
        expect(await delivery.run()).toMatchObject({ outcome: 'retryable', reason: 'server-error' });
        expect(await delivery.again()).toMatchObject({ outcome: 'accepted' });
        expect((await running.observed()).records).toBe(1);
      }));

    it('sends what is too large for whoever stands before the vendor once more, with less text', () =>
      onBench(async (delivery, running) => {
        const html = `<p>${'Image pulls fail in West Europe. '.repeat(2_000)}</p>`;
        const long = { communication: communicationView({ html }), changes: ['Severity rose.'] };
        breakWrite(bench, running, { kind: 'answer', answer: { status: 413 } });
        expect(await delivery.run(long)).toMatchObject({ outcome: 'accepted' });
        const writes = serverOf(running).requests.filter(
          ({ method, body }) => method !== 'GET' && body.includes('CNT1-0AR'),
        );
        expect(writes).toHaveLength(2);
        expect(writes[1]?.body.length).toBeLessThan(writes[0]?.body.length ?? 0);
        const { records, refused, messages } = await running.observed();
        expect({ records, refused }).toEqual({ records: 1, refused: 0 });
        expect(messages.at(-1)?.links.join()).toContain('https://relay.example/incidents/');
        serverOf(running).failAlways({ kind: 'answer', answer: { status: 413 } });
        expect(await delivery.run({ ...long, action: 'update' })).toMatchObject({ outcome: 'permanent' });
      }));

    it.each(wrongBodies.map((answer) => [JSON.stringify(answer), answer] as const))(
      'does not take %s for a success',
      (_name, answer) =>
        onBench(async (delivery, running) => {
          serverOf(running).failAlways({ kind: 'answer', answer });
          expect((await delivery.run()).outcome).not.toBe('accepted');
        }),
    );

    it.each([301, 302, 307, 308])('never follows a %i', (status) =>
      onBench(async (delivery, running) => {
        const elsewhere = await new VendorServer(() => ({ status: 200 })).start();
        try {
          const answer = { status, headers: { location: `${elsewhere.url}/stolen` } };
          serverOf(running).failAlways({ kind: 'answer', answer });
          const outcome = SIGN_IN_REDIRECT_KINDS.includes(adapter.kind) ? 'retryable' : 'permanent';
          expect(await delivery.run()).toMatchObject({ outcome, reason: 'redirect' });
          expect(elsewhere.requests).toEqual([]);
        } finally {
          await elsewhere.stop();
        }
      }),
    );

    it.each([
      ['the answer comes after our time is over', { kind: 'slow', delayMs: 10_000 }],
      ['the connection is cut after the vendor took it', { kind: 'reset', taken: true }],
      ['no answer comes though the vendor took it', { kind: 'hang', taken: true }],
    ] as const)('does not know what happened when %s, and repeats without a second record', (_name, fault) =>
      onBench(async (delivery, running) => {
        breakWrite(bench, running, fault);
        // Our time is over once the vendor has it: by the clock it might be over before.
        const time = new AbortController();
        const unknown = delivery.run({}, { signal: time.signal });
        await expect.poll(async () => (await running.observed()).records).toBe(1);
        time.abort();
        expect((await unknown).outcome).toBe('unknown');
        const once = await running.observed();
        expect(await delivery.again()).toMatchObject({ outcome: 'accepted' });
        const twice = await running.observed();
        expect(twice.woken).toBeLessThanOrEqual(1);
        if (adapter.repeat === 'mark') expect(twice.messages.at(-1)?.text).toMatch(/repeat/i);
        else expect({ records: twice.records, woken: twice.woken }).toEqual({ records: 1, woken: once.woken });
      }),
    );

    it('does not know what happened when the connection is cut in the middle, and repeats', () =>
      onBench(async (delivery, running) => {
        breakWrite(bench, running, { kind: 'reset', taken: false });
        expect((await delivery.run()).outcome).toBe('unknown');
        expect(await delivery.again()).toMatchObject({ outcome: 'accepted' });
        expect((await running.observed()).records).toBe(1);
      }));

    it.each(['hang', 'drip'] as const)('ends a call that %ss when the relay aborts', (kind) =>
      onBench(async (delivery, running) => {
        const fault = kind === 'hang' ? ({ kind, taken: false } as const) : ({ kind } as const);
        if (kind === 'hang') breakWrite(bench, running, fault);
        else serverOf(running).failAlways(fault);
        const relay = new AbortController();
        const ended = delivery.run({}, { signal: relay.signal, deadlineMs: 600_000 });
        const asked = kind === 'hang' ? bench.requestsBeforeWrite + 1 : 1;
        await expect.poll(() => serverOf(running).requests.length).toBe(asked);
        relay.abort();
        expect(await ended).toMatchObject({ reason: 'aborted' });
      }),
    );
  },
  (kind) => !SMTP_KINDS.includes(kind),
);
