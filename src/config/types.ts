/** The config once read: complete, defaults filled in, every name checked. Times are milliseconds. */
import type { Adapter } from '#src/core/adapter.ts';
import type { CoverageFindingKind } from '#src/core/coverage.ts';
import type { EventType } from '#src/core/coverage-paths.ts';
import type { OwnerRules } from '#src/core/estate-owners.ts';
import type { RetryPolicy } from '#src/core/retry.ts';
import type { Route } from '#src/core/route.ts';
import type { Silence } from '#src/core/silence.ts';
import type { Weekday } from '#src/core/weekly.ts';

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
  /** Null: metrics and logs are never asked whether we were hit. */
  evidence: EvidenceConfig | null;
  owners: OwnerRules | null;
  /** Days before a deadline on which people are reminded; tokens that open the calendar and nothing else. */
  deadlines: { remindDays: readonly number[]; feedTokens: readonly string[] };
  /** Null: nobody looks which subscriptions reach us. */
  coverage: CoverageConfig | null;
  retention: { rawMs: number; incidentsMs: number };
  destinations: readonly Destination[];
  routes: readonly Route[];
  /** For incidents that no route takes; empty means every destination. */
  default: readonly string[];
  /** Where the portal's test notifications go; null: only the page shows them. */
  tests: string | null;
  /** Windows in which routes keep quiet; those that are set by call stand in the database. */
  silences: readonly Silence[];
  /** Nothing of ours may hold a notification back. */
  passThrough: boolean;
  /** Null: no canary is sent. */
  canary: CanaryConfig | null;
  /** Null: nobody outside hears that we are well. */
  heartbeat: HeartbeatConfig | null;
  /** The relay of the same `relayId` elsewhere; null: there is none. */
  peer: PeerConfig | null;
}

export interface PeerConfig {
  /** Without a slash at the end. */
  url: string;
  /** An API token of the peer. */
  token: string;
  /** Between looks. */
  everyMs: number;
  /** Without a good answer for so long it is missing. */
  missingAfterMs: number;
  /** What the peer has for telling before it is asked whether it has. */
  graceMs: number;
}

export interface CanaryConfig {
  everyMs: number;
  /** A canary that has not come back by then is lost. */
  withinMs: number;
  /** Null: every receiver that can be entered. */
  receivers: readonly ('azure-monitor' | 'event-grid' | 'event-hubs')[] | null;
  /** Whose receiver token is used; null: the first. */
  source: string | null;
  /** Where canaries enter, without a slash at the end; null: this process itself, over loopback. */
  url: string | null;
  /** Null: the built-in one. */
  destination: string | null;
  /** Connection strings that may send, or `identity`, by the name of the hub. */
  hubs: Readonly<Record<string, string>>;
}

export interface HeartbeatConfig {
  /** Whoever knows it can beat: a secret. */
  url: string;
  everyMs: number;
  method: 'GET' | 'POST';
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
  /** Null: the activity log in Log Analytics is not asked. */
  activityLog: ActivityLogConfig | null;
}

export interface ActivityLogConfig {
  /** Lower-cased ids of Log Analytics workspaces, at least one. */
  workspaces: readonly string[];
  /** Calls of one round, at most. */
  callsMax: number;
  /** Without version and slash at the end. */
  logsUrl: string;
  logsScope: string;
}

export interface EstateConfig {
  /** Path of a file in place of Resource Graph. */
  file: string | null;
  everyMs: number;
  /** Null: never. */
  staleAfterMs: number | null;
}

export interface EvidenceConfig {
  metrics: boolean;
  /** Lower-cased ids of Log Analytics workspaces; empty: no logs. */
  workspaces: readonly string[];
  /** Between looks at an active incident. */
  everyMs: number;
  /** Calls of one round of looks, at most. */
  callsMax: number;
  /** May hold `{region}`; no slash at the end. */
  metricsUrl: string;
  metricsScope: string;
  /** Without version and slash at the end. */
  logsUrl: string;
  logsScope: string;
}

export interface CoverageConfig {
  everyMs: number;
  /** Beside `publicUrl`: where action groups call us, when something stands in front. Without a path ours is meant. */
  addresses: readonly string[];
  /** Event types that must come. */
  types: readonly EventType[];
  /** Services that must come; empty: whatever the rules ask for. */
  services: readonly string[];
  /** Lower-cased ids of subscriptions that need no rule. */
  exempt: readonly string[];
  /** Kinds of findings that are as they shall be. */
  ignore: readonly CoverageFindingKind[];
  summary: { to: string; day: Weekday; at: string } | null;
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
  /** Tells only what the peer does not. */
  standby: boolean;
}
