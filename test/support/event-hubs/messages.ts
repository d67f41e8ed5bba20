/** AMQP messages of Event Hubs: batches in, annotated events and management answers out. */
import rhea, { type Message } from 'rhea';
import type { PartitionLog, StoredEvent } from './partition-log.ts';

const { types, message: codec } = rhea;

export interface SentBatch {
  messages: Message[];
  partitionKey: string | null;
  bytes: number;
}

/** What a producer sent: one message, or the batch format 0x80013700, which rhea hands over undecoded. */
export function decodeSent(raw: Buffer | Message): SentBatch {
  if (!Buffer.isBuffer(raw)) return { messages: [raw], partitionKey: keyOf(raw), bytes: 0 };
  const envelope = codec.decode(raw) as unknown as Message;
  const parts = [envelope.body.content as Buffer | Buffer[]].flat();
  return {
    messages: parts.map((part) => codec.decode(part) as unknown as Message),
    partitionKey: keyOf(envelope),
    bytes: raw.length,
  };
}

/** The partition key that a message carries. */
export function keyOf(message: Message): string | null {
  return (message.message_annotations?.['x-opt-partition-key'] as string | undefined) ?? null;
}

/** A message as a diagnostic setting would send it: one data section. */
export function dataMessage(body: unknown, properties: Record<string, unknown> | undefined): Message {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  return { body: codec.data_section(bytes), ...(properties ? { application_properties: properties } : {}) };
}

/** An event as a reader gets it; with `runtimeMetrics` it also tells how far the partition reaches. */
export function toReader(event: StoredEvent, log: PartitionLog, runtimeMetrics: boolean): Message {
  const out: Message = {
    ...event.message,
    message_annotations: {
      ...event.message.message_annotations,
      'x-opt-sequence-number': types.wrap_long(event.sequence),
      'x-opt-offset': event.offset,
      'x-opt-enqueued-time': types.wrap_timestamp(event.enqueuedAt.getTime()),
      ...(event.partitionKey === null ? {} : { 'x-opt-partition-key': event.partitionKey }),
    },
  };
  const last = log.last;
  if (runtimeMetrics && last)
    out.delivery_annotations = {
      last_enqueued_sequence_number: types.wrap_long(last.sequence),
      last_enqueued_offset: last.offset,
      last_enqueued_time_utc: types.wrap_timestamp(last.enqueuedAt.getTime()),
      runtime_info_retrieval_time_utc: types.wrap_timestamp(Date.now()),
    };
  return out;
}

/** Answer to READ of a hub. */
export function hubProperties(hub: { name: string; createdAt: Date; logs: readonly PartitionLog[] }): unknown {
  return {
    name: hub.name,
    type: 'com.microsoft:eventhub',
    created_at: types.wrap_timestamp(hub.createdAt.getTime()),
    partition_count: types.wrap_int(hub.logs.length),
    // 0xa1 is a short string; the SDK wants an AMQP array, not a list.
    partition_ids: types.wrap_array(
      hub.logs.map((log) => log.id),
      0xa1,
      undefined,
    ),
    georeplication_factor: types.wrap_int(1),
  };
}

/** Answer to READ of a partition. */
export function partitionProperties(name: string, log: PartitionLog): unknown {
  const { last } = log;
  return {
    name,
    type: 'com.microsoft:partition',
    partition: log.id,
    begin_sequence_number: types.wrap_long(log.first),
    last_enqueued_sequence_number: types.wrap_long(last?.sequence ?? log.first - 1),
    last_enqueued_offset: last?.offset ?? '-1',
    last_enqueued_time_utc: types.wrap_timestamp((last?.enqueuedAt ?? new Date(0)).getTime()),
    is_partition_empty: !last,
  };
}
