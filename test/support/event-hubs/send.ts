/** Sends through the real SDK, as a diagnostic setting or an action group would. */
import { EventHubProducerClient } from '@azure/event-hubs';

/** Each body becomes one event; a text or a Buffer goes as it is. Without a partition the hub deals them out in batches. */
export async function sendToHub(
  connectionString: string,
  bodies: readonly unknown[],
  { partitionId }: { partitionId?: string } = {},
): Promise<void> {
  const producer = new EventHubProducerClient(connectionString, {
    retryOptions: { maxRetries: 5, retryDelayInMs: 100, maxRetryDelayInMs: 1000, timeoutInMs: 5000 },
  });
  try {
    await producer.sendBatch(
      bodies.map((body) => ({ body: typeof body === 'string' ? Buffer.from(body) : body })),
      partitionId === undefined ? {} : { partitionId },
    );
  } finally {
    await producer.close();
  }
}
