/** Calls an adapter with everything it may use, bounded in time; whatever it throws is a bug and counts as retryable (design section 7). */
import type { DeliverContext, HttpCall, Outcome, Receipt } from '#src/core/adapter.ts';
import { safeText } from '#src/core/safe.ts';
import type { Destination, RelayConfig } from '#src/config/types.ts';
import type { Tracing } from '#src/core/trace.ts';
import { createHttpClient, type HttpClient } from '#src/http/client.ts';
import type { Log } from '#src/log.ts';
import type { AskVendor } from './confirm.ts';
import type { CallAdapter } from './lane-calls.ts';

export interface AdapterCaller {
  call: CallAdapter;
  /** Asks whether an accepted call took effect; null where the vendor does not know or cannot be asked. */
  ask: AskVendor;
  /** Egress rules may have changed: new calls use a new client, old ones end on the old. */
  renew(): void;
  close(): Promise<void>;
}

/** A little more than the longest deadline: calls on a replaced client have ended by then. */
const OLD_CLIENT_MS = 90_000;

/** Makes the one way from the pipeline to the adapters. */
export function createAdapterCaller(options: { config(): RelayConfig; log: Log; tracing?: Tracing }): AdapterCaller {
  let http: HttpClient = createHttpClient({ egress: options.config().egress });
  function contextOf(
    destination: Destination,
    {
      client,
      ...call
    }: Pick<DeliverContext<unknown>, 'vendorKey' | 'stepKey' | 'memo' | 'settling' | 'signal' | 'http'> & {
      client: HttpClient;
    },
  ): DeliverContext<unknown> {
    const { name, id, timezone, sensitive, settings } = destination;
    return {
      ...call,
      settings,
      destination: { name, id, timezone, sensitive },
      relayId: options.config().relayId,
      resolveHost: (host, rules) => client.resolveHost(host, rules),
      log: options.log.child({ destination: name }),
      now: () => new Date(),
    };
  }
  return {
    async call(destination, step, { vendorKey, stepKey, memo, settling, signal, held, trace }) {
      const { adapter } = destination;
      const { tracing } = options;
      const deadline = AbortSignal.timeout(adapter.deadlineMs);
      const both = AbortSignal.any([signal, deadline]);
      const client = http;
      const calls = whileHeld(client.call({ signal: both, deadlineMs: adapter.deadlineMs }), held);
      const context = contextOf(destination, {
        vendorKey,
        stepKey,
        memo,
        settling,
        signal: both,
        http: tracing ? tracing.calls(calls) : calls,
        client,
      });
      const deliver = async (): Promise<Outcome> => {
        try {
          return fit(await adapter.deliver(step, context));
        } catch (error) {
          options.log.error(
            { destination: destination.name, error: (error as Error).message, stack: (error as Error).stack },
            'adapter.bug',
          );
          return { outcome: 'retryable', reason: 'unexpected', detail: 'the adapter failed; see the log' };
        }
      };
      const about = { destination: destination.name, type: destination.type, action: step.action, trace };
      return tracing ? tracing.attempt(about, deliver) : deliver();
    },
    async ask(destination, receipt, { vendorKey, memo }) {
      const { adapter } = destination;
      const signal = AbortSignal.timeout(adapter.deadlineMs);
      const calls = http.call({ signal, deadlineMs: adapter.deadlineMs });
      const context = contextOf(destination, {
        vendorKey,
        stepKey: '',
        memo,
        settling: false,
        signal,
        http: calls,
        client: http,
      });
      try {
        return fit<Receipt | null>((await adapter.confirm?.(receipt, context)) ?? null);
      } catch (error) {
        options.log.error({ destination: destination.name, error: (error as Error).message }, 'adapter.bug');
        return null;
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

/** What a vendor answers stands in details, receipts and memos: made fit for a column, or no outcome of the batch could be written. */
function fit<T>(value: T): T {
  if (typeof value === 'string') return safeText(value) as T;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((one: unknown) => fit(one)) as T;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [safeText(key), fit<unknown>(one)])) as T;
}

/** A process that was frozen in the middle of a call wakes up with the lease of another time: it must not go on. */
function whileHeld(call: HttpCall, held: (() => boolean) | undefined): HttpCall {
  return async (request) =>
    held?.() === false
      ? { answered: false, sent: false, reason: 'aborted', detail: 'the lease was lost' }
      : call(request);
}
