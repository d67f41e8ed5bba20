/** A received batch as the commits it needs: at most so many signals each, the position moved with the last signal of an event. */
import type { Signal } from '#src/core/signal.ts';
import { readSignals } from '../read.ts';
import { readEventBody } from './body.ts';

/** What we use of an event of the SDK. */
export interface HubEvent {
  body: unknown;
  sequenceNumber: number;
  offset: string;
  enqueuedTimeUtc: Date;
}

export interface HubOrigin {
  hub: string;
  partitionId: string;
  source: string;
  subscription: string | null;
}

export interface Slice {
  signals: Signal[];
  /** The event to which the position moves; null inside an event that is larger than a slice. */
  upTo: HubEvent | null;
}

/** Signals of one event. Never throws; what is not understood tells where it lies in the hub. */
export function readEvent(event: HubEvent, origin: HubOrigin, receivedAt: string): Signal[] {
  const body = readEventBody(event.body);
  const { source, subscription } = origin;
  const signals = readSignals(body.value, { source, subscription, receivedAt, door: 'event-hub' });
  const where = `hub ${origin.hub}, partition ${origin.partitionId}, sequence number ${event.sequenceNumber}`;
  for (const signal of signals) {
    if (signal.kind !== 'unrecognised') continue;
    // A body that is no JSON is read as a text, and "no known schema" would hide why.
    signal.reason = `${body.ok ? (signal.reason ?? 'not understood') : body.reason} (${where})`;
  }
  return signals;
}

/** Cuts a batch in order. An event of many records may need several slices; repeats of its first ones are folded. */
export function sliceBatch(
  events: readonly HubEvent[],
  { read, signalsMax }: { read: (event: HubEvent) => Signal[]; signalsMax: number },
): Slice[] {
  const slices: Slice[] = [];
  let open: Slice = { signals: [], upTo: null };
  const close = (): void => {
    if (open.signals.length > 0 || open.upTo !== null) slices.push(open);
    open = { signals: [], upTo: null };
  };
  for (const event of events) {
    const signals = read(event);
    if (open.signals.length + signals.length > signalsMax) close();
    let at = 0;
    for (; signals.length - at > signalsMax; at += signalsMax)
      slices.push({ signals: signals.slice(at, at + signalsMax), upTo: null });
    open.signals.push(...signals.slice(at));
    open.upTo = event;
  }
  close();
  return slices;
}
