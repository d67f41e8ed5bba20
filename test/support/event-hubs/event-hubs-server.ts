/**
 * A small Event Hubs over AMQP 1.0 on loopback: just enough for the unmodified SDK (azure-local 1.1), with the faults
 * that a namespace shows: dropped and politely closed connections, refusals, busy answers, thefts, silence.
 */
import { once } from 'node:events';
import type { Server } from 'node:net';
import rhea, {
  type Connection,
  type Container,
  type EventContext,
  type Message,
  type Receiver,
  type Sender,
} from 'rhea';
import { ownPort } from '#test/support/own-port.ts';
import { LocalHub, type AmqpFault, type HubSettings } from './local-hub.ts';
import { dataMessage, decodeSent, hubProperties, keyOf, partitionProperties } from './messages.ts';
import type { PartitionLog } from './partition-log.ts';

export interface EventHubsServerOptions {
  hubs: Record<string, HubSettings>;
  /** PEM; without it plain TCP, as the emulator flag of a connection string wants it. */
  tls?: { key: string; cert: string };
  messageBytesMax?: number;
}

const RECEIVE = /^(.+?)\/ConsumerGroups\/([^/]+)\/Partitions\/([^/]+)$/i;
const SEND = /^(.+?)(?:\/Partitions\/([^/]+))?$/i;
const OWN_NODES = new Set(['$cbs', '$management']);
const { types } = rhea;

export class EventHubsServer {
  readonly tokens: { audience: string; type: string; token: string }[] = [];
  /** What rhea complained about; a protocol error here is a hole in this server. */
  readonly faults: string[] = [];
  /** Connections so far, and events taken from producers. */
  readonly counters = { connections: 0, received: 0 };
  /** Each may answer with a fault, or null to let it pass. */
  refuseToken: (audience: string) => { status: number; description: string } | null = () => null;
  refuseSend: (hub: string) => AmqpFault | null = () => null;
  refuseLink: (address: string) => AmqpFault | null = () => null;

  readonly #options: EventHubsServerOptions;
  readonly #hubs = new Map<string, LocalHub>();
  readonly #container: Container;
  readonly #connections = new Set<Connection>();
  #server: Server | null = null;
  #port = 0;

  constructor(options: EventHubsServerOptions) {
    this.#options = options;
    for (const name of Object.keys(options.hubs)) this.recreate(name);
    this.#container = rhea.create_container({ id: 'local-event-hubs' });
    // The SDK logs in as ANONYMOUS and proves itself over $cbs, also with a token credential over TLS.
    (this.#container.sasl_server_mechanisms as unknown as { enable_anonymous(): void }).enable_anonymous();
    this.#listenToLinks();
  }

  /** Listens; after a stop again on the same port, with the events of before. */
  async start(): Promise<this> {
    const bytesMax = this.#bytesMax;
    this.#port ||= await ownPort();
    const server = this.#container.listen({
      host: '127.0.0.1',
      port: this.#port,
      max_frame_size: 65_536,
      channel_max: 4999,
      idle_time_out: 240_000,
      // createBatch() reads the size from the attach frame.
      receiver_options: { max_message_size: bytesMax, autoaccept: false, credit_window: 1000 },
      sender_options: { max_message_size: bytesMax },
      ...(this.#options.tls ? { transport: 'tls', ...this.#options.tls } : {}),
    });
    this.#server = server;
    if (!server.listening) await once(server, 'listening');
    return this;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server?.close(resolve));
    this.dropConnections();
    await closed;
  }

  get port(): number {
    return this.#port;
  }

  connectionString(hub: string): string {
    return `Endpoint=sb://127.0.0.1:${this.#port};SharedAccessKeyName=test;SharedAccessKey=dGVzdA==;EntityPath=${hub};UseDevelopmentEmulator=true`;
  }

  /** Puts an event in without a client, as a diagnostic setting would. Returns its sequence number. */
  publish(
    hub: string,
    body: unknown,
    { partition, properties }: { partition?: number; properties?: Record<string, unknown> } = {},
  ): number {
    return this.#hub(hub)!.append(dataMessage(body, properties), { partition, key: null });
  }

  /** The kept events of a partition. */
  log(hub: string, partition: number): PartitionLog {
    return this.#hub(hub)!.log(partition)!;
  }

  /** Events handed out by a hub. */
  sent(hub: string): number {
    return this.#hub(hub)!.sent;
  }

  /** Readers that are attached to a partition now. */
  readers(hub: string, partition: number): number {
    return this.#hub(hub)!.readers(partition);
  }

  /** Deletes the hub and makes it anew under the same name: numbers start at 0 again. */
  recreate(name: string): void {
    this.#hub(name)?.end({ condition: 'amqp:not-found', description: 'the hub was deleted' });
    this.#hubs.set(name.toLowerCase(), new LocalHub(name, this.#options.hubs[name]!));
  }

  /** The present readers of the partition stay attached and hear nothing more: how a receiver goes silent without an error. */
  deafen(hub: string, partition: number): void {
    this.#hub(hub)!.deafen(partition);
  }

  /** Ends the links of a partition's readers, as a rival does that takes it over. */
  steal(hub: string, partition: number): void {
    this.#hub(hub)!.end({ condition: 'amqp:link:stolen', description: 'stolen by the test' }, partition);
  }

  /** Kills the TCP connections without an AMQP close. */
  dropConnections(): void {
    for (const connection of this.#connections) {
      const { socket } = connection as unknown as { socket: { destroy(error: Error): void } };
      // With an error, or rhea keeps its heartbeat timers (azure-local 1.2).
      socket.destroy(new Error('dropped by the test'));
    }
  }

  /** Closes the connections politely, as the service does on upgrades. */
  closeConnections(): void {
    for (const connection of this.#connections)
      connection.close({ condition: 'amqp:connection:forced', description: 'the service closed the connection' });
  }

  get #bytesMax(): number {
    return this.#options.messageBytesMax ?? 1024 * 1024;
  }

  #hub(name: string): LocalHub | undefined {
    return this.#hubs.get(name.toLowerCase());
  }

  #listenToLinks(): void {
    const container = this.#container;
    container.on('connection_open', ({ connection }: EventContext) => {
      this.#connections.add(connection);
      this.counters.connections++;
      tolerateLateFrames(connection);
    });
    const gone = ({ connection }: EventContext): void => {
      this.#connections.delete(connection);
      for (const hub of this.#hubs.values()) hub.detach({ connection });
    };
    container.on('connection_close', gone);
    container.on('disconnected', gone);
    for (const name of ['protocol_error', 'session_error', 'sender_error', 'receiver_error', 'error'])
      container.on(name, (fault: { message?: string }) => this.faults.push(`${name}: ${fault?.message ?? ''}`));
    container.on('sender_open', ({ sender }: EventContext) => this.#attachReader(sender!));
    container.on('sender_close', ({ sender }: EventContext) => {
      for (const hub of this.#hubs.values()) hub.detach({ link: sender! });
    });
    container.on('sendable', ({ sender }: EventContext) => {
      for (const hub of this.#hubs.values()) hub.wake(sender!);
    });
    container.on('receiver_open', ({ receiver }: EventContext) => this.#attachProducer(receiver!));
    container.on('message', (context: EventContext) => this.#onMessage(context));
  }

  #attachProducer(link: Receiver): void {
    const address = link.target?.address ?? '';
    link.set_source(link.source);
    link.set_target(link.target);
    if (OWN_NODES.has(address)) return;
    const fault = this.refuseLink(address) ?? (this.#hub(SEND.exec(address)?.[1] ?? '') ? null : notFound(address));
    if (fault) link.close(fault);
  }

  #attachReader(link: Sender): void {
    const address = link.source?.address ?? '';
    link.set_source(link.source);
    link.set_target(link.target);
    if (OWN_NODES.has(address)) return;
    const [, name = '', group = '', partitionId = ''] = RECEIVE.exec(address) ?? [];
    const hub = this.#hub(name);
    const fault = this.refuseLink(address) ?? (hub ? hub.attach(link, { group, partitionId }) : notFound(address));
    if (fault) link.close(fault);
  }

  #onMessage(context: EventContext): void {
    const address = context.receiver!.target?.address ?? '';
    const delivery = context.delivery!;
    if (OWN_NODES.has(address)) {
      delivery.accept();
      return address === '$cbs' ? this.#putToken(context) : this.#manage(context);
    }
    const [, name = '', id] = SEND.exec(address) ?? [];
    const hub = this.#hub(name)!;
    const sent = decodeSent(context.message as unknown as Buffer | Message);
    const tooLarge = sent.bytes > this.#bytesMax ? { condition: 'amqp:link:message-size-exceeded' } : null;
    // Reject the delivery and keep the link: after a detach the SDK waits for three time-outs (azure-local 1.2).
    const fault = this.refuseSend(hub.name) ?? tooLarge;
    if (fault) {
      delivery.reject(fault);
      return;
    }
    // A batch is atomic: all its events go to one partition.
    const free = sent.partitionKey === null && sent.messages.length > 1 ? hub.nextPartition() : undefined;
    const partition = id === undefined ? free : Number(id);
    for (const message of sent.messages) hub.append(message, { partition, key: sent.partitionKey ?? keyOf(message) });
    this.counters.received += sent.messages.length;
    delivery.accept();
  }

  #putToken(context: EventContext): void {
    const { name = '', type = '' } = (context.message!.application_properties ?? {}) as Record<string, string>;
    this.tokens.push({ audience: name, type, token: String(context.message!.body) });
    reply(context, this.refuseToken(name) ?? { status: 202, description: 'Accepted' });
  }

  #manage(context: EventContext): void {
    const properties = (context.message!.application_properties ?? {}) as Record<string, string>;
    const hub = this.#hub(properties['name'] ?? '');
    const log = hub?.log(Number(properties['partition']));
    const ok = { status: 200, description: 'OK' };
    if (hub && properties['type'] === 'com.microsoft:eventhub') reply(context, { ...ok, body: hubProperties(hub) });
    else if (hub && log) reply(context, { ...ok, body: partitionProperties(hub.name, log) });
    else reply(context, { status: 404, description: `'${properties['name']}' could not be found` });
  }
}

function reply(context: EventContext, answer: { status: number; description: string; body?: unknown }): void {
  const { message: request, connection } = context;
  const condition = answer.status === 401 ? 'amqp:unauthorized-access' : 'amqp:not-found';
  // The $cbs link has only the name that the request names, the $management link name and target (azure-local 1.1).
  const out = connection.find_sender(
    (sender: Sender) =>
      (sender.name === request!.reply_to || sender.target?.address === request!.reply_to) && sender.is_open(),
  );
  out?.send({
    to: request!.reply_to,
    correlation_id: request!.message_id,
    body: answer.body,
    application_properties: {
      'status-code': types.wrap_int(answer.status),
      'status-description': answer.description,
      ...(answer.status >= 400 ? { 'error-condition': condition } : {}),
    },
  });
}

function notFound(address: string): AmqpFault {
  return { condition: 'amqp:not-found', description: `The messaging entity '${address}' could not be found.` };
}

/** The SDK may still settle a delivery on a session it has just ended; rhea would end the whole connection over that. */
function tolerateLateFrames(connection: Connection): void {
  const inner = connection as unknown as Record<string, (frame: { channel: number }) => void> & {
    remote_channel_map: Record<number, unknown>;
  };
  for (const name of ['on_disposition', 'on_flow', 'on_detach', 'on_transfer']) {
    const original = inner[name]!;
    inner[name] = (frame) => {
      if (inner.remote_channel_map[frame.channel]) original.call(inner, frame);
    };
  }
}
