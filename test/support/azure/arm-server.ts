/**
 * A strict local Azure Resource Manager with the Resource Health events API and Resource Graph: token, api-version,
 * pages, quota headers, and answers of the documented shapes (azure-signals 7.1, azure-local 4). Throttling comes by
 * `failNext`.
 */
import { VendorServer, type VendorAnswer, type VendorRequest } from '#test/support/vendors/vendor-server.ts';
import { graphRows } from './graph.ts';
import {
  updatedAt,
  type AzureGroup,
  type AzureListed,
  type AzureRecord,
  type AzureResource,
  type AzureRule,
  type AzureState,
  type AzureSubscription,
} from './records.ts';

export const ARM_TOKEN = 'test-arm-token';

export class ArmServer extends VendorServer implements AzureState {
  events: AzureRecord[] = [];
  resources: AzureResource[] = [];
  listed: AzureListed[] = [];
  subscriptions: AzureSubscription[] = [];
  rules: AzureRule[] = [];
  groups: AzureGroup[] = [];
  readonly settings: AzureState['settings'] = new Map();
  /** 403 for these, and for the whole of Resource Graph under `graph`. */
  readonly forbidden = new Set<string>();
  /** 401 for these: they belong to another tenant. */
  readonly foreign = new Set<string>();
  /** 429 for these subscriptions, with so many seconds to wait. */
  readonly throttled = new Map<string, number>();
  tenantForbidden = true;
  /** Elements of one page. */
  pageSize = 50;
  token = ARM_TOKEN;

  constructor() {
    super((request) => this.#answer(request));
  }

  /** Requests of one kind so far. */
  count(part: string): number {
    return this.requests.filter((request) => request.path.includes(part)).length;
  }

  #answer(request: VendorRequest): VendorAnswer {
    const url = new URL(request.path, this.url);
    if (request.headers['authorization'] !== `Bearer ${this.token}`)
      return error(401, 'InvalidAuthenticationToken', 'The access token is invalid.');
    if (!url.searchParams.get('api-version'))
      return error(400, 'MissingApiVersionParameter', 'The api-version query parameter is required.');
    if (request.method === 'POST' && url.pathname === '/providers/Microsoft.ResourceGraph/resources')
      return this.#graph(request);
    const sensitive =
      /^(\/subscriptions\/[^/]+\/providers\/Microsoft\.ResourceHealth\/events\/[^/]+)\/listSecurityAdvisoryImpactedResources$/.exec(
        url.pathname,
      );
    if (sensitive) return this.#sensitive(request, url, sensitive[1]!);
    if (request.method !== 'GET') return error(405, 'MethodNotAllowed', 'read only');
    if (url.pathname === '/subscriptions')
      return this.#page(
        url,
        this.subscriptions.map(({ id, name, tags }) => ({
          id: `/subscriptions/${id}`,
          subscriptionId: id,
          displayName: name,
          state: 'Enabled',
          tags,
        })),
      );
    const settings = /^\/subscriptions\/([^/]+)\/providers\/Microsoft\.Insights\/diagnosticSettings$/.exec(
      url.pathname,
    );
    if (settings) return this.#settings(url, settings[1]!);
    const match =
      /^(?:\/subscriptions\/([^/]+))?\/providers\/Microsoft\.ResourceHealth\/events(?:\/([^/]+)(\/impactedResources)?)?$/.exec(
        url.pathname,
      );
    if (!match) return error(404, 'NotFound', 'no such resource');
    const [, subscription, trackingId, impacted] = match;
    if (this.foreign.has(subscription ?? ''))
      return error(401, 'InvalidAuthenticationTokenTenant', 'The access token is from the wrong issuer.');
    const waitSeconds = this.throttled.get(subscription ?? '');
    if (waitSeconds !== undefined)
      return {
        ...error(429, 'SubscriptionRequestsThrottled', 'Number of requests exceeded the limit.'),
        headers: { 'retry-after': String(waitSeconds) },
      };
    if (subscription === undefined ? this.tenantForbidden : this.forbidden.has(subscription))
      return error(403, 'AuthorizationFailed', 'The client does not have authorization to perform the action.');
    if (subscription !== undefined && !this.subscriptions.some((one) => one.id === subscription))
      return error(404, 'SubscriptionNotFound', 'The subscription could not be found.');
    const seen = this.events.filter((event) =>
      subscription === undefined ? event.subscriptions.length === 0 : event.subscriptions.includes(subscription),
    );
    if (trackingId === undefined) return this.#list(url, seen);
    const event = seen.find((one) => one.trackingId.toLowerCase() === decodeURIComponent(trackingId).toLowerCase());
    if (!event) return error(404, 'EventNotFound', 'no such event');
    if (impacted === undefined) return { status: 200, body: restEvent(event) };
    return this.#page(url, event.eventType === 'SecurityAdvisory' ? [] : this.#listedFor(event, subscription!));
  }

  /** The list of a security advisory: asked for by POST at its own address, its further pages by GET, and only of one. */
  #sensitive(request: VendorRequest, url: URL, path: string): VendorAnswer {
    const first = url.searchParams.get('$skiptoken') === null;
    if (request.method !== (first ? 'POST' : 'GET')) return error(405, 'MethodNotAllowed', 'the first page is a POST');
    const [subscription, trackingId] = [path.split('/')[2]!, decodeURIComponent(path.split('/').at(-1)!)];
    if (this.forbidden.has(`sensitive ${subscription}`))
      return error(403, 'AuthorizationFailed', 'The client does not have authorization to perform the action.');
    const event = this.events.find((one) => one.trackingId === trackingId && one.subscriptions.includes(subscription));
    if (event?.eventType !== 'SecurityAdvisory') return error(404, 'EventNotFound', 'no such security advisory');
    return this.#page(url, this.#listedFor(event, subscription));
  }

  #listedFor(event: AzureRecord, subscription: string): unknown[] {
    return this.listed
      .filter((one) => one.trackingId === event.trackingId && one.subscription === subscription)
      .map(restListed);
  }

  /** Only this version knows the settings of a subscription; its list has no pages. */
  #settings(url: URL, subscription: string): VendorAnswer {
    if (url.searchParams.get('api-version') !== '2021-05-01-preview')
      return error(400, 'NoRegisteredProviderFound', 'No registered resource provider found for this API version.');
    if (this.forbidden.has(`settings ${subscription}`))
      return error(403, 'AuthorizationFailed', 'The client does not have authorization to perform the action.');
    const value = (this.settings.get(subscription) ?? []).map(({ name, properties }) => ({
      id: `/subscriptions/${subscription}/providers/microsoft.insights/diagnosticSettings/${name}`,
      name,
      properties,
    }));
    return { status: 200, body: { value } };
  }

  #list(url: URL, events: AzureRecord[]): VendorAnswer {
    const start = url.searchParams.get('queryStartTime');
    if (start === null || !/^\d{1,2}\/\d{1,2}\/\d{4}$/.test(start))
      return error(400, 'InvalidQueryStartTime', 'queryStartTime must be a date such as 5/12/2025.');
    const from = Date.parse(`${start} UTC`);
    return this.#page(url, events.filter((event) => Date.parse(updatedAt(event)) >= from).map(restEvent));
  }

  #page(url: URL, all: unknown[]): VendorAnswer {
    const at = Number(url.searchParams.get('$skiptoken') ?? 0);
    const next = at + this.pageSize;
    const link = new URL(url);
    link.searchParams.set('$skiptoken', String(next));
    return { status: 200, body: { value: all.slice(at, next), ...(next < all.length ? { nextLink: link.href } : {}) } };
  }

  #graph(request: VendorRequest): VendorAnswer {
    if (this.forbidden.has('graph')) return error(403, 'AccessDenied', 'Access is denied.');
    const body = JSON.parse(request.body) as {
      query?: string;
      subscriptions?: string[];
      options?: { $top?: number; $skipToken?: string; resultFormat?: string };
    };
    const { $top: top = 100, $skipToken: skip, resultFormat } = body.options ?? {};
    if (top > 1000 || (body.subscriptions?.length ?? 0) > 1000) return error(400, 'BadRequest', 'too many at once');
    if (resultFormat !== 'objectArray') return error(400, 'BadRequest', 'this stand-in only speaks objectArray');
    const rows = graphRows(this, body.query ?? '');
    if (rows === null) return error(400, 'InvalidQuery', 'Query is invalid. Please refer to the documentation.');
    const mine = rows.filter(
      (row) => !body.subscriptions || body.subscriptions.includes(String(row['subscriptionId'])),
    );
    const at = Number(skip ?? 0);
    const size = Math.min(top, this.pageSize);
    const data = mine.slice(at, at + size);
    const more = at + size < mine.length;
    return {
      status: 200,
      headers: { 'x-ms-user-quota-remaining': '14', 'x-ms-user-quota-resets-after': '00:00:05' },
      body: {
        totalRecords: mine.length,
        count: data.length,
        resultTruncated: more ? 'true' : 'false',
        data,
        facets: [],
        ...(more ? { $skipToken: String(at + size) } : {}),
      },
    };
  }
}

/** Every region repeats the posts, newest first, as the API does. */
export function restEvent(event: AzureRecord): Record<string, unknown> {
  const updates = event.posts
    .toReversed()
    .map((post) => ({ summary: post.html, updateDateTime: post.at, eventTags: post.tags ?? [] }));
  return {
    id: `/providers/Microsoft.ResourceHealth/events/${event.trackingId}`,
    name: event.trackingId,
    type: '/providers/Microsoft.ResourceHealth/events',
    properties: {
      eventType: event.eventType,
      eventSource: 'ServiceHealth',
      status: event.status,
      title: event.title,
      summary: event.posts.at(-1)?.html ?? '',
      eventLevel: event.level ?? 'Warning',
      priority: 1,
      isHIR: false,
      impactStartTime: event.startedAt,
      ...(event.mitigatedAt ? { impactMitigationTime: event.mitigatedAt } : {}),
      lastUpdateTime: updatedAt(event),
      impact: [
        {
          impactedService: event.service,
          impactedRegions: event.regions.map((region) => ({
            impactedRegion: region,
            status: event.status,
            impactedSubscriptions: event.subscriptions,
            lastUpdateTime: updatedAt(event),
            updates,
          })),
        },
      ],
    },
  };
}

function restListed(one: AzureListed): Record<string, unknown> {
  return {
    id: `/subscriptions/${one.subscription}/providers/Microsoft.ResourceHealth/events/${one.trackingId}/impactedResources/${one.resource.split('/').at(-1)}`,
    properties: {
      targetResourceId: one.resource,
      targetResourceType: one.type,
      ...(one.status ? { status: one.status } : {}),
    },
  };
}

function error(status: number, code: string, message: string): VendorAnswer {
  return { status, body: { error: { code, message } } };
}
