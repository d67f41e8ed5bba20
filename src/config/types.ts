/** The config once read: complete, defaults filled in, every name checked. Times are milliseconds. */
import type { Adapter } from '#src/core/adapter.ts';
import type { OwnerRules } from '#src/core/estate-owners.ts';
import type { RetryPolicy } from '#src/core/retry.ts';
import type { Route } from '#src/core/route.ts';

export interface RelayConfig {
  /** Part of every vendor key. */
  relayId: string;
  /** Where people reach the pages, without a slash at the end; null where messages carry no link to them. */
  publicUrl: string | null;
  receivers: ReceiversConfig;
  api: { tokens: readonly ApiToken[] };
  /** What vendors prove themselves with when they call back; without it their calls are refused. */
  callbacks: CallbacksConfig;
  /** Who may read the full text of security posts: roles, or names of API tokens. */
  security: { readers: readonly string[] };
  /** `open`: `/metrics` needs no token. */
  metrics: { open: boolean };
  /** Networks (CIDR) and host names that may be private or plain http. */
  egress: { allow: readonly string[] };
  /** By lower-cased subscription id. */
  subscriptions: ReadonlyMap<string, SubscriptionInfo>;
  /** Null: Azure is never asked for anything. */
  azure: AzureConfig | null;
  /** Null: what push has lost stays lost. */
  backfill: BackfillConfig | null;
  /** Null: nothing is known of our own resources. */
  estate: EstateConfig | null;
  owners: OwnerRules | null;
  retention: { rawMs: number; incidentsMs: number };
  destinations: readonly Destination[];
  routes: readonly Route[];
  /** For incidents that no route takes; empty means every destination. */
  default: readonly string[];
  /** Where the portal's test notifications go; null: only the page shows them. */
  tests: string | null;
  /** Nothing of ours may hold a notification back. */
  passThrough: boolean;
}

interface ReceiversConfig {
  tokens: readonly ReceiverToken[];
  eventHubs: readonly EventHubConfig[];
  /** Null: any subscription or origin that holds a token. */
  eventGrid: { allowSubscriptions: readonly string[] | null; allowOrigins: readonly string[] | null };
  entra: EntraConfig | null;
}

export interface CallbacksConfig {
  /** Signing secrets of webhook subscriptions; several while one replaces the other, or for several services. */
  pagerduty: { secrets: readonly string[] } | null;
  servicenow: { token: string } | null;
}

export interface ReceiverToken {
  source: string;
  token: string;
  /** Assumed where a record names none (azure-signals 0.8). */
  subscription: string | null;
}

export interface EventHubConfig {
  name: string;
  source: string;
  subscription: string | null;
  consumerGroup: string;
  /** Either the connection string or the namespace is set. */
  connectionString: string | null;
  /** Full host name, for managed identity. */
  namespace: string | null;
  /** Null only where the connection string has an `EntityPath`. */
  hub: string | null;
  /** Events of this hub in memory at any time. */
  maxRecords: number;
}

export interface EntraConfig {
  tenant: string;
  audience: readonly string[];
  /** Application that calls: Azure's action groups unless set. */
  appId: string;
  role: string | null;
  /** Origin of the sign-in service. */
  authority: string;
  source: string;
}

export interface AzureConfig {
  tenant: string | null;
  /** Lower-cased; `all`: every subscription that the identity can see. */
  subscriptions: 'all' | readonly string[];
  /** Origin of Azure Resource Manager, without a slash at the end. */
  armUrl: string;
  /** Of a user-assigned managed identity. */
  clientId: string | null;
  /** In place of an identity, for try-outs. */
  accessToken: string | null;
  /** Calls of one round of back-fill, at most. */
  callsMax: number;
}

export interface BackfillConfig {
  everyMs: number;
  /** How far before the last good round the next one looks. */
  lookbackMs: number;
  /** Younger posts may still come by push. */
  graceMs: number;
}

export interface EstateConfig {
  /** Path of a file in place of Resource Graph. */
  file: string | null;
  everyMs: number;
  /** Null: never. */
  staleAfterMs: number | null;
}

export type Role = 'read' | 'operate';

export interface ApiToken {
  role: Role;
  name: string;
  token: string;
}

export interface SubscriptionInfo {
  name: string | null;
  team: string | null;
  environment: string | null;
}

export type UpdatesSetting =
  | { policy: 'each' }
  | { policy: 'lifecycle' }
  | { policy: 'latest'; minIntervalMs: number }
  /** `at`: HH:MM in the destination's time zone. */
  | { policy: 'digest'; at: string };

export interface Destination {
  name: string;
  /** Part of the vendor key; the name unless set. */
  id: string;
  type: string;
  adapter: Adapter;
  /** Output of the adapter's own schema. */
  settings: unknown;
  updates: UpdatesSetting;
  concurrency: number;
  /** Null: no limit of ours. */
  rate: { max: number; perMs: number } | null;
  retry: RetryPolicy;
  failOpen: boolean;
  fallback: { to: string; afterMs: number } | null;
  sensitive: 'full' | 'redacted';
  /** IANA name. */
  timezone: string;
  /** Takes no new incident; its open ones are still resolved. */
  retired: boolean;
}
