/** What the local Azure knows. */

/** One post under an event. */
export interface AzurePost {
  at: string;
  html: string;
  tags?: string[];
}

/** One event as Azure keeps it; every subscription sees it under the same tracking ID. */
export interface AzureRecord {
  trackingId: string;
  eventType: string;
  status: 'Active' | 'Resolved';
  level?: string;
  title: string;
  service: string;
  regions: string[];
  startedAt: string;
  mitigatedAt?: string;
  /** Where Azure touched the event after its last post. */
  touchedAt?: string;
  posts: AzurePost[];
  /** Subscriptions that see it; empty: only the tenant. */
  subscriptions: string[];
}

export interface AzureResource {
  id: string;
  type: string;
  location: string;
  tags?: Record<string, string>;
  sku?: string;
  version?: string;
  endpoint?: boolean;
}

export interface AzureListed {
  trackingId: string;
  subscription: string;
  resource: string;
  type: string;
  status?: string;
}

/** As Azure's own JSON: these are read whole. */
export interface AzureRule {
  id: string;
  properties: Record<string, unknown>;
}

export interface AzureGroup {
  id: string;
  location: string;
  properties: Record<string, unknown>;
}

export interface AzureSubscription {
  id: string;
  name: string;
  tags?: Record<string, string>;
  /** `Enabled` unless set. */
  state?: string;
}

export interface AzureState {
  events: AzureRecord[];
  resources: AzureResource[];
  listed: AzureListed[];
  subscriptions: AzureSubscription[];
  rules: AzureRule[];
  groups: AzureGroup[];
  /** Diagnostic settings of the activity log, by subscription. */
  settings: Map<string, { name: string; properties: Record<string, unknown> }[]>;
}

/** When the event was last published or changed. */
export function updatedAt(event: AzureRecord): string {
  return (
    event.touchedAt ??
    event.posts
      .map((post) => post.at)
      .sort()
      .at(-1) ??
    event.startedAt
  );
}
