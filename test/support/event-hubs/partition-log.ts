/** What a partition of the local Event Hubs keeps: numbered events, a retention edge, and where a reader starts. */
import type { Message } from 'rhea';

export interface StoredEvent {
  sequence: number;
  /** A string since SDK 6; a hundred bytes per event. */
  offset: string;
  enqueuedAt: Date;
  partitionKey: string | null;
  message: Message;
}

const SELECTOR = /amqp\.annotation\.(x-opt-offset|x-opt-sequence-number|x-opt-enqueued-time)\s*(>=|>)\s*'?([^']+)'?/;
const OFFSET_PER_EVENT = 100;

export class PartitionLog {
  readonly id: string;
  /** Number of the oldest event that is still kept. */
  first = 0;
  readonly #events: StoredEvent[] = [];

  constructor(id: string) {
    this.id = id;
  }

  /** Number that the next event will get. */
  get end(): number {
    return this.first + this.#events.length;
  }

  get last(): StoredEvent | undefined {
    return this.#events.at(-1);
  }

  at(sequence: number): StoredEvent | undefined {
    return this.#events[sequence - this.first];
  }

  append(message: Message, partitionKey: string | null): StoredEvent {
    const sequence = this.end;
    const offset = String(sequence * OFFSET_PER_EVENT);
    const event = { sequence, offset, enqueuedAt: new Date(), partitionKey, message };
    this.#events.push(event);
    return event;
  }

  /** Drops the oldest events, as retention does. */
  expire(count: number): void {
    this.first += this.#events.splice(0, count).length;
  }

  /** The first number that a reader with this filter gets. */
  startAt(selector: string): number {
    const match = SELECTOR.exec(selector);
    if (!match) return this.first;
    const [, field, operator, value] = match as unknown as [string, string, string, string];
    if (field === 'x-opt-offset' && value === '@latest') return this.end;
    if (field === 'x-opt-offset' && value === '-1') return this.first;
    const limit = Number(value);
    const keyOf = (event: StoredEvent): number =>
      field === 'x-opt-offset'
        ? Number(event.offset)
        : field === 'x-opt-sequence-number'
          ? event.sequence
          : event.enqueuedAt.getTime();
    const hit = this.#events.find((event) => (operator === '>=' ? keyOf(event) >= limit : keyOf(event) > limit));
    return hit?.sequence ?? this.end;
  }
}
