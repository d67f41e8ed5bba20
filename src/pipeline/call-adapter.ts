/** Calls an adapter with everything it may use, bounded in time; whatever it throws is a bug and counts as retryable (design section 7). */
import type { DeliverContext, HttpCall, Outcome } from '#src/core/adapter.ts';
import type { RelayConfig } from '#src/config/types.ts';
import { createHttpClient, type HttpClient } from '#src/http/client.ts';
import type { Log } from '#src/log.ts';
import type { CallAdapter } from './lane.ts';

export interface AdapterCaller {
  call: CallAdapter;
  /** Egress rules may have changed: new calls use a new client, old ones end on the old. */
  renew(): void;
  close(): Promise<void>;
}

/** A little more than the longest deadline: calls on a replaced client have ended by then. */
const OLD_CLIENT_MS = 90_000;

/** Makes the one way from the pipeline to the adapters. */
export function createAdapterCaller(options: { config(): RelayConfig; log: Log }): AdapterCaller {
  let http: HttpClient = createHttpClient({ egress: options.config().egress });
  return {
    async call(destination, step, { vendorKey, stepKey, memo, settling, signal, held }) {
      const { adapter, settings } = destination;
      const deadline = AbortSignal.timeout(adapter.deadlineMs);
      const both = AbortSignal.any([signal, deadline]);
      const client = http;
      const context: DeliverContext<unknown> = {
        settings,
        destination: {
          name: destination.name,
          id: destination.id,
          timezone: destination.timezone,
          sensitive: destination.sensitive,
        },
        relayId: options.config().relayId,
        vendorKey,
        stepKey,
        memo,
        settling,
        http: whileHeld(client.call({ signal: both, deadlineMs: adapter.deadlineMs }), held),
        resolveHost: (host, rules) => client.resolveHost(host, rules),
        signal: both,
        log: options.log.child({ destination: destination.name }),
        now: () => new Date(),
      };
      try {
        return await adapter.deliver(step, context);
      } catch (error) {
        options.log.error(
          { destination: destination.name, error: (error as Error).message, stack: (error as Error).stack },
          'adapter.bug',
        );
        return {
          outcome: 'retryable',
          reason: 'unexpected',
          detail: 'the adapter failed; see the log',
        } satisfies Outcome;
      }
    },
    renew() {
      const old = http;
      http = createHttpClient({ egress: options.config().egress });
      setTimeout(() => void old.close(), OLD_CLIENT_MS).unref();
    },
    async close() {
      for (const { adapter } of options.config().destinations) adapter.close?.();
      await http.close();
    },
  };
}

/** A process that was frozen in the middle of a call wakes up with the lease of another time: it must not go on. */
function whileHeld(call: HttpCall, held: (() => boolean) | undefined): HttpCall {
  return async (request) =>
    held?.() === false
      ? { answered: false, sent: false, reason: 'aborted', detail: 'the lease was lost' }
      : call(request);
}
