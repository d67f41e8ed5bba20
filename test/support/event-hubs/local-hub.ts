/** One hub: partitions, their readers, who may read, and the handing out of events within the readers' credit. */
import type { Connection, Message, Sender } from 'rhea';
import { toReader } from './messages.ts';
import { PartitionLog } from './partition-log.ts';

export interface HubSettings {
  partitions: number;
  /** Besides `$Default`. */
  consumerGroups?: string[];
}

export interface AmqpFault {
  condition: string;
  description?: string;
}

interface Reader {
  sender: Sender;
  group: string;
  next: number;
  epoch: number | null;
  runtimeMetrics: boolean;
  /** Stays attached and hears nothing. */
  deaf: boolean;
}

interface Partition {
  log: PartitionLog;
  readers: Set<Reader>;
  scheduled: boolean;
}

const RUNTIME_METRIC = 'com.microsoft:enable-receiver-runtime-metric';

export class LocalHub {
  readonly name: string;
  readonly createdAt = new Date();
  /** Events handed out to readers. */
  sent = 0;
  readonly #groups: Set<string>;
  readonly #partitions: Partition[];
  #turn = 0;

  constructor(name: string, settings: HubSettings) {
    this.name = name;
    this.#groups = new Set(['$default', ...(settings.consumerGroups ?? []).map((group) => group.toLowerCase())]);
    this.#partitions = Array.from({ length: settings.partitions }, (_, index) => ({
      log: new PartitionLog(String(index)),
      readers: new Set<Reader>(),
      scheduled: false,
    }));
  }

  get logs(): PartitionLog[] {
    return this.#partitions.map((partition) => partition.log);
  }

  log(partition: number): PartitionLog | undefined {
    return this.#partitions[partition]?.log;
  }

  readers(partition: number): number {
    return this.#partitions[partition]!.readers.size;
  }

  append(message: Message, { partition, key }: { partition: number | undefined; key: string | null }): number {
    const count = this.#partitions.length;
    const byKey = key === null ? null : Buffer.from(key).reduce((hash, byte) => (hash * 31 + byte) >>> 0, 7) % count;
    const target = this.#partitions[partition ?? byKey ?? this.nextPartition()]!;
    const { sequence } = target.log.append(message, key);
    this.#pump(target);
    return sequence;
  }

  /** The next partition in turn, for events without a key. */
  nextPartition(): number {
    return this.#turn++ % this.#partitions.length;
  }

  /** Takes a reader, or tells why not. A reader with the same or a higher epoch ends the one before it. */
  attach(link: Sender, { group, partitionId }: { group: string; partitionId: string }): AmqpFault | null {
    const partition = this.#partitions[Number(partitionId)];
    if (!partition || !this.#groups.has(group.toLowerCase()))
      return { condition: 'amqp:not-found', description: `no partition ${partitionId} or no group ${group}` };
    const epoch = (link.properties?.['com.microsoft:epoch'] as number | undefined) ?? null;
    const rivals = [...partition.readers].filter((reader) => reader.group === group.toLowerCase());
    const top = Math.max(-1, ...rivals.map((reader) => reader.epoch ?? -1));
    if (top > (epoch ?? -1)) return stolen(`a receiver with the higher epoch ${top} exists`);
    for (const reader of epoch === null ? [] : rivals) {
      partition.readers.delete(reader);
      reader.sender.close(stolen(`a receiver with epoch ${epoch} was created`));
    }
    const filters = link.source.filter as Record<string, { value?: string }> | undefined;
    const wants = [(link as unknown as { desired_capabilities?: unknown }).desired_capabilities ?? []].flat();
    partition.readers.add({
      sender: link,
      group: group.toLowerCase(),
      epoch,
      deaf: false,
      next: partition.log.startAt(filters?.['apache.org:selector-filter:string']?.value ?? ''),
      runtimeMetrics: wants.map(String).includes(RUNTIME_METRIC),
    });
    this.#pump(partition);
    return null;
  }

  /** A reader can take more. */
  wake(link: Sender): void {
    for (const partition of this.#partitions)
      for (const reader of partition.readers) if (reader.sender === link) this.#pump(partition);
  }

  detach(gone: { link?: Sender; connection?: Connection }): void {
    for (const { readers } of this.#partitions)
      for (const reader of readers)
        if (reader.sender === gone.link || reader.sender.connection === gone.connection) readers.delete(reader);
  }

  deafen(partition: number): void {
    for (const reader of this.#partitions[partition]!.readers) reader.deaf = true;
  }

  /** Ends the links of all readers, or of one partition's. */
  end(fault: AmqpFault, partition?: number): void {
    for (const { readers } of partition === undefined ? this.#partitions : [this.#partitions[partition]!])
      for (const reader of readers) {
        readers.delete(reader);
        reader.sender.close(fault);
      }
  }

  /** Once per turn of the event loop: rhea takes credit off only when it writes, so a second look within a turn would overdraw it. */
  #pump(partition: Partition): void {
    if (partition.scheduled) return;
    partition.scheduled = true;
    setImmediate(() => {
      partition.scheduled = false;
      for (const reader of partition.readers) if (!reader.deaf) this.#handOut(partition, reader);
    });
  }

  #handOut({ log }: Partition, reader: Reader): void {
    const { sender } = reader;
    reader.next = Math.max(reader.next, log.first);
    for (
      let { credit } = sender as Sender & { credit: number };
      credit > 0 && sender.is_open() && sender.sendable();
      credit--
    ) {
      const event = log.at(reader.next);
      if (!event) return;
      sender.send(toReader(event, log, reader.runtimeMetrics));
      reader.next++;
      this.sent++;
    }
  }
}

function stolen(description: string): AmqpFault {
  return { condition: 'amqp:link:stolen', description };
}
