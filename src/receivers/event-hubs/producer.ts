/** Sends one event into a hub that we read: for the canary. Loads the SDK only then, as the consumer does (azure-local 7). */
import type { EventHubProducerClient } from '@azure/event-hubs';
import type { EventHubConfig } from '#src/config/types.ts';
import { within } from '#src/within.ts';
import { defaultCredential, hubKey, type Credential } from './client.ts';

export interface SendOptions {
  /** Null: by managed identity, to the namespace of the hub. */
  connectionString: string | null;
  body: unknown;
  timeoutMs: number;
  /** In place of the default chain of Azure. */
  credentialOf?: () => Promise<Credential>;
}

/**
 * One event of JSON, over a connection of its own, which is closed again. Throws what the SDK says, at the latest after
 * `timeoutMs`.
 */
export async function sendToHub(hub: EventHubConfig, { body, timeoutMs, ...by }: SendOptions): Promise<void> {
  const client = await openProducer(hub, { ...by, timeoutMs });
  try {
    await within(client.sendBatch([{ body }]), timeoutMs, () => new Error('the hub did not take it in time'));
  } finally {
    void client.close().catch(() => undefined);
  }
}

async function openProducer(
  hub: EventHubConfig,
  { connectionString, timeoutMs, credentialOf = defaultCredential }: Omit<SendOptions, 'body'>,
): Promise<EventHubProducerClient> {
  const { EventHubProducerClient: Client } = await import('@azure/event-hubs');
  const options = { retryOptions: { maxRetries: 0, timeoutInMs: timeoutMs } };
  if (connectionString === null) return new Client(hub.namespace!, hub.hub!, await credentialOf(), options);
  return /(^|;)\s*EntityPath=/i.test(connectionString)
    ? new Client(connectionString, options)
    : new Client(connectionString, hubKey(hub).hub, options);
}
