/**
 * Realistic steps and contexts for adapter tests: the Container Registry outage in West Europe under tracking ID
 * CNT1-0AR, as the pipeline would hand it over, with a real HTTP client that may call loopback.
 */
import type { CommunicationView, DeliverContext, HttpCall, IncidentView, Step } from '#src/core/adapter.ts';
import { createHttpClient, type HttpClient } from '#src/http/client.ts';

/** The incident as of its first revision. */
export function incidentView(overrides: Partial<IncidentView> = {}): IncidentView {
  return {
    id: 'inc_01k7q2v9m3x4',
    identity: 'sh/cnt1-0ar',
    episode: 1,
    trackingId: 'CNT1-0AR',
    kind: 'outage',
    state: 'active',
    severity: 'error',
    title: 'Image pulls fail in West Europe',
    stage: 'Active',
    impacts: [{ service: 'Container Registry', region: 'West Europe' }],
    resources: [
      '/subscriptions/5c3f0e6a-1b8d-4f0e-9a77-2f4a3d8c9b10/resourcegroups/rg-shop/providers/microsoft.containerregistry/registries/acrshop',
    ],
    startedAt: '2026-11-23T08:05:00.000Z',
    mitigatedAt: null,
    resolvedAt: null,
    endsAt: null,
    revision: 1,
    firstSeenAt: '2026-11-23T08:21:42.118Z',
    headline: '[Outage] Container Registry, West Europe: Image pulls fail in West Europe (CNT1-0AR)',
    details: { 'Incident type': 'Incident', 'Impact type': 'SubscriptionList' },
    ...overrides,
  };
}

/** A post by Microsoft with the HTML that it really uses. */
export function communicationView(overrides: Partial<CommunicationView> = {}): CommunicationView {
  return {
    id: '11000171893220',
    title: 'Active - Azure Container Registry - Image pulls failing in West Europe',
    html:
      '<p><strong>Impact Statement:</strong> Starting at 08:05 UTC on 23 November 2026, you may see failures when ' +
      'pulling images from registries in West Europe.</p><p><strong>Current Status:</strong> We are investigating; ' +
      'the next update follows within 60 minutes. See <a href="https://status.azure.com">Azure status</a>.</p>',
    at: '2026-11-23T08:20:11.000Z',
    ...overrides,
  };
}

/** An open step by default. `incident` may be partial; everything else is replaced as given. */
export function makeStep(overrides: Partial<Omit<Step, 'incident'>> & { incident?: Partial<IncidentView> } = {}): Step {
  const { incident, ...rest } = overrides;
  return {
    action: 'open',
    covers: [1, 1],
    opened: false,
    told: false,
    repeat: false,
    catchUp: false,
    late: false,
    test: false,
    incident: incidentView(incident),
    communication: communicationView(),
    changes: [],
    audience: {
      subscriptions: [
        { id: '5c3f0e6a-1b8d-4f0e-9a77-2f4a3d8c9b10', name: 'Payments prod', team: 'payments' },
        { id: '8e2b7d41-6c09-4d5f-b1aa-90d3c7e5f622', name: null, team: null },
      ],
      total: 25,
    },
    route: { runbook: 'https://wiki.example/azure-outage', note: null, fields: {} },
    links: {
      timeline: 'https://relay.example/incidents/inc_01k7q2v9m3x4',
      portal: 'https://app.azure.com/h/CNT1-0AR/5c3b10',
    },
    ...rest,
  };
}

/** How long a step may take in tests, milliseconds, unless told otherwise. */
const DEADLINE_MS = 5_000;

let shared: HttpClient | null = null;
let stepCount = 0;

/**
 * A context around the given settings. `http` is a real client that may call 127.0.0.0/8, bound to `signal` and a
 * deadline of 5 s, unless overridden; every context has a step key of its own, and the same vendor key.
 */
export function makeContext<S>(options: Partial<DeliverContext<S>> & { settings: S }): DeliverContext<S> {
  shared ??= createHttpClient({ egress: { allow: ['127.0.0.0/8', '::1', 'localhost'] } });
  const client = shared;
  const signal = options.signal ?? new AbortController().signal;
  const http: HttpCall = (request) => client.call({ signal, deadlineMs: DEADLINE_MS })(request);
  return {
    destination: { name: 'oncall', id: 'oncall', timezone: 'Europe/Berlin', sensitive: 'full' },
    relayId: 'contoso',
    vendorKey: 'a3f1c5d7e9b20486a3f1c5d7e9b20486a3f1c5d7e9b20486a3f1c5d7e9b20486',
    stepKey: `dlv_01k7q2v9m3x5_${++stepCount}`,
    memo: {},
    settling: false,
    http,
    resolveHost: (host, { tls }) => client.resolveHost(host, { tls }),
    signal,
    log: { info: () => undefined, warn: () => undefined },
    now: () => new Date(),
    ...options,
  };
}
