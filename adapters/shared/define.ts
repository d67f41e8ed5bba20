/**
 * How an adapter is made. Erases the type of its settings, so that adapters of all kinds fit one list, and stands
 * between adapter and pipeline: a vendor that echoes our key in an error must not bring it into a receipt, a memo or
 * the log, however careless the adapter is, and what a vendor finds too large is sent once more in a smaller form.
 */
import type { Adapter, AdapterLog, DeliverContext, Outcome, Receipt, Step } from '#src/core/adapter.ts';
import { shrunk } from './shrink.ts';

const HIDDEN = '<secret>';
/** Shorter values are no secrets but words, and hiding them would shred every text. */
const SECRET_CHARS_MIN = 4;

/** Makes a registry entry of an adapter that is typed over its own settings. */
export function defineAdapter<S>(adapter: Adapter<S>): Adapter {
  const guarded: Adapter<S> = {
    ...adapter,
    async deliver(step, context) {
      const hide = hiderFor(adapter.secrets(context.settings));
      return hide(await deliverFitting(adapter, step, guardContext(context, hide))) as Outcome;
    },
  };
  if (adapter.confirm) {
    const confirm = adapter.confirm.bind(adapter);
    guarded.confirm = async (receipt, context) => {
      const hide = hiderFor(adapter.secrets(context.settings));
      return hide(await confirm(receipt, guardContext(context, hide))) as Receipt | null;
    };
  }
  if (adapter.probe) {
    const probe = adapter.probe.bind(adapter);
    guarded.probe = async (context) => {
      const hide = hiderFor(adapter.secrets(context.settings));
      return hide(await probe(guardContext(context, hide))) as string[];
    };
  }
  // The registry only ever passes back what this adapter's own `settings` schema returned.
  return guarded;
}

/** A 413 had no effect, so a smaller message is worth one more call (destinations 0.2). */
async function deliverFitting<S>(adapter: Adapter<S>, step: Step, context: DeliverContext<S>): Promise<Outcome> {
  const outcome = await adapter.deliver(step, context);
  const smaller = outcome.outcome === 'permanent' && outcome.reason === 'too-large' ? shrunk(step) : null;
  if (smaller === null) return outcome;
  const { memo = context.memo } = outcome;
  const second = await adapter.deliver(smaller, { ...context, memo });
  return second.memo === undefined && outcome.memo !== undefined ? { ...second, memo } : second;
}

type Hide = (value: unknown) => unknown;

function guardContext<S>(context: DeliverContext<S>, hide: Hide): DeliverContext<S> {
  const log: AdapterLog = {
    info: (fields, message) => context.log.info(hide(fields) as Record<string, unknown>, String(hide(message))),
    warn: (fields, message) => context.log.warn(hide(fields) as Record<string, unknown>, String(hide(message))),
  };
  return { ...context, log };
}

/** Replaces every secret, plain or percent-encoded, in all strings of a value. */
function hiderFor(secrets: readonly string[]): Hide {
  const needles = secrets
    .filter((secret) => secret.length >= SECRET_CHARS_MIN)
    .flatMap((secret) => [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)])
    .sort((a, b) => b.length - a.length);
  const hide: Hide = (value) => {
    if (typeof value === 'string') return needles.reduce((text, needle) => text.replaceAll(needle, HIDDEN), value);
    if (Array.isArray(value)) return value.map(hide);
    if (value instanceof Error) return hide(value.message);
    if (value === null || typeof value !== 'object' || value instanceof Date) return value;
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, hide(entry)]));
  };
  return needles.length === 0 ? (value) => value : hide;
}
