/** Opens the SDK's client. It and the identity library are loaded only here, on first use: together they cost 65 MB (azure-local 7). */
import type { CheckpointStore, EventHubConsumerClient } from '@azure/event-hubs';
import type { EventHubConfig } from '#src/config/types.ts';
import type { HubKey } from './checkpoint-store.ts';
import type { HubTuning } from './tuning.ts';

export interface OpenOptions {
  /** Owner of the partitions: stays the same when the client is opened again. */
  ownerId: string;
  checkpoints: CheckpointStore;
  tuning: HubTuning;
}

export type OpenClient = (hub: EventHubConfig, options: OpenOptions) => Promise<EventHubConsumerClient>;

/** Anything that gets tokens; the type of the SDK, without loading it. */
export type Credential = Extract<ConstructorParameters<typeof EventHubConsumerClient>[3], { getToken: unknown }>;

/** Names of a hub as the checkpoint tables know it. The port of a local hub does not count. */
export function hubKey(hub: EventHubConfig): HubKey {
  const text = hub.connectionString ?? '';
  const part = (name: string): string | null => new RegExp(`(?:^|;)\\s*${name}=([^;]+)`, 'i').exec(text)?.[1] ?? null;
  const host = hub.namespace ?? /^\w+:\/\/([^/;]+)/.exec(part('Endpoint') ?? '')?.[1] ?? 'unknown';
  return {
    namespace: host.replace(/:\d+$/, ''),
    hub: part('EntityPath') ?? hub.hub ?? 'unknown',
    consumerGroup: hub.consumerGroup,
  };
}

/**
 * A client by connection string, or by managed identity (or whatever else the default chain of Azure finds).
 * `credentialOf` replaces that chain.
 */
export function clientOpener(credentialOf: () => Promise<Credential> = defaultCredential): OpenClient {
  return async (hub, { ownerId, checkpoints, tuning }) => {
    const { EventHubConsumerClient } = await import('@azure/event-hubs');
    const options = {
      identifier: ownerId,
      retryOptions: tuning.sdkRetry,
      loadBalancingOptions: {
        // `balanced` takes one partition per cycle: eight partitions would need over a minute (azure-local 2.2).
        strategy: 'greedy' as const,
        updateIntervalInMs: tuning.updateIntervalMs,
        partitionOwnershipExpirationIntervalInMs: tuning.ownershipExpiryMs,
      },
    };
    if (hub.connectionString === null) {
      const credential = await credentialOf();
      return new EventHubConsumerClient(hub.consumerGroup, hub.namespace!, hub.hub!, credential, checkpoints, options);
    }
    return /(^|;)\s*EntityPath=/i.test(hub.connectionString)
      ? new EventHubConsumerClient(hub.consumerGroup, hub.connectionString, checkpoints, options)
      : new EventHubConsumerClient(hub.consumerGroup, hub.connectionString, hub.hub!, checkpoints, options);
  };
}

/** Managed identity, or whatever else the default chain of Azure finds. */
export async function defaultCredential(): Promise<Credential> {
  const { DefaultAzureCredential } = await import('@azure/identity');
  return new DefaultAzureCredential();
}
