/** Every way in that takes bytes from outside, how a hostile body goes through it, and what may be answered. */
import { createHmac } from 'node:crypto';
import { Pool } from 'undici';
import type { Body } from './hostile-bodies.ts';
import type { Random } from './random.ts';
import { OPERATE_TOKEN, RECEIVER_TOKEN } from './stage.ts';

export const PAGERDUTY_SECRET = 'chaos-callback-secret-99';
export const SERVICENOW_TOKEN = 'chaos-servicenow-callback-31';
export const CALLBACKS = `callbacks: { pagerduty: { secrets: [${PAGERDUTY_SECRET}] }, servicenow: { token: ${SERVICENOW_TOKEN} } }`;

export interface Door {
  name: string;
  /** Of twenty bodies so many come here. */
  share: number;
  method: 'GET' | 'POST';
  path(body: Body, random: Random): string;
  headers(body: Body): Record<string, string>;
  /** What is sent; the body itself where it is absent. */
  wrap?(body: Body, random: Random): Buffer;
  /** Codes of refusals that are an answer. */
  refusals: RegExp;
  /** JSON must be kept: a 400 is for what is none. */
  keepsJson: boolean;
}

const UNREADABLE = 'not-json|too-large|compressed-body|unavailable';
/** Envelopes of Event Grid and CloudEvents around whatever comes. */
const ENVELOPES: readonly ((data: string) => string)[] = [
  (data) => data,
  (data) =>
    `[{"id":"1","eventType":"Microsoft.ResourceNotifications.HealthResources.AvailabilityStatusChanged","subject":"/subscriptions/s","eventTime":"2026-09-14T09:00:00Z","dataVersion":"1","metadataVersion":"1","topic":"t","data":${data}}]`,
  (data) =>
    `{"specversion":"1.0","id":"1","source":"/subscriptions/s","type":"Microsoft.ContainerService.NewKubernetesVersionAvailable","time":"2026-09-14T09:00:00Z","data":${data}}`,
  (data) => `[${data},${data}]`,
];
const ROUTES = [
  '/v1/incidents',
  '/v1/incidents/HOST-1LE',
  '/v1/incidents/HOST-1LE/timeline',
  '/v1/incidents/HOST-1LE/deliveries',
  '/v1/gaps',
  '/v1/destinations',
  '/v1/sources',
  '/',
  '/incidents/HOST-1LE',
];
const PARAMETERS = [
  'state',
  'kind',
  'service',
  'subscription',
  'from',
  'to',
  'q',
  'limit',
  'cursor',
  'at',
  'format',
  'x',
];
const BROKEN = [
  '%',
  '%ff',
  '%00',
  '%E0%A4%A',
  '%ud800',
  '%2e%2e%2f',
  "'%20or%201=1--",
  '1e400',
  '-1',
  'NaN',
  '[]',
  '{}',
];

/** The HTTP doors; the hub is read, not called (hostile-hub.ts). */
export const DOORS: readonly Door[] = [
  {
    name: 'azure-monitor',
    share: 7,
    method: 'POST',
    path: () => `/v1/receivers/azure-monitor?token=${RECEIVER_TOKEN}`,
    headers: () => ({}),
    refusals: new RegExp(`"code":"(${UNREADABLE})"`),
    keepsJson: true,
  },
  {
    name: 'event-grid',
    share: 5,
    method: 'POST',
    path: () => `/v1/receivers/event-grid?token=${RECEIVER_TOKEN}`,
    headers: () => ({ 'aeg-event-type': 'Notification' }),
    wrap: (body, random) =>
      body.headers ? body.bytes : Buffer.from(random.pick(ENVELOPES)(body.bytes.toString('latin1')), 'latin1'),
    refusals: new RegExp(`"code":"(${UNREADABLE}|forbidden)"`),
    keepsJson: true,
  },
  {
    name: 'pagerduty callback',
    share: 2,
    method: 'POST',
    path: () => '/v1/callbacks/pagerduty',
    headers: (body) => ({
      'x-pagerduty-signature': `v1=${createHmac('sha256', PAGERDUTY_SECRET).update(body.bytes).digest('hex')}`,
    }),
    refusals: new RegExp(`"code":"(${UNREADABLE})"`),
    keepsJson: true,
  },
  {
    name: 'servicenow callback',
    share: 2,
    method: 'POST',
    path: () => `/v1/callbacks/servicenow?token=${SERVICENOW_TOKEN}`,
    headers: () => ({}),
    refusals: new RegExp(`"code":"(${UNREADABLE})"`),
    keepsJson: true,
  },
  {
    name: 'notes',
    share: 1,
    method: 'POST',
    path: () => '/v1/incidents/HOST-1LE/notes',
    headers: () => ({ authorization: `Bearer ${OPERATE_TOKEN}` }),
    wrap: (body, random) =>
      random.next() < 0.5 ? body.bytes : Buffer.from(JSON.stringify({ text: body.bytes.toString('utf8') })),
    // A note has a shape: what has another one is refused with the place.
    refusals: new RegExp(`"code":"(${UNREADABLE}|invalid|no-such-entry)"`),
    keepsJson: false,
  },
  {
    name: 'queries',
    share: 1,
    method: 'GET',
    path: (body, random) => {
      const text = random.next() < 0.5 ? random.pick(BROKEN) : escaped(body.bytes.subarray(0, random.int(1, 1_500)));
      return `${random.pick(ROUTES)}?${random.pick(PARAMETERS)}=${text}&${random.pick(PARAMETERS)}=${random.pick(BROKEN)}`;
    },
    headers: () => ({ authorization: `Bearer ${OPERATE_TOKEN}` }),
    // Pages refuse in words for people.
    refusals: new RegExp(
      `"code":"(${UNREADABLE}|invalid|bad-cursor|no-such-incident|not-known-then|not-found)"|<title>That did not work`,
    ),
    keepsJson: false,
  },
];

function escaped(bytes: Uint8Array): string {
  return [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
}

export interface Fired {
  status: number;
  text: string;
  incidents: string[];
  /** It names a time at which to come back. */
  deliberate: boolean;
  /** What went over the wire. */
  sent: Buffer;
  path: string;
}

/** Sends one body through a door. Status 0: the connection ended without an answer. */
export async function fire(pool: Pool, door: Door, { body, random }: { body: Body; random: Random }): Promise<Fired> {
  const sent = door.wrap?.(body, random) ?? body.bytes;
  const given = { ...body, bytes: sent };
  const path = door.path(body, random);
  try {
    const answer = await pool.request({
      method: door.method,
      path,
      headers: {
        ...(door.method === 'POST' ? { 'content-type': 'application/json', ...body.headers } : {}),
        ...door.headers(given),
      },
      ...(door.method === 'POST' ? { body: sent } : {}),
      signal: AbortSignal.timeout(60_000),
    });
    const text = await answer.body.text();
    const { signals = [] } = (answer.statusCode === 202 ? JSON.parse(text) : {}) as {
      signals?: { incident: string | null }[];
    };
    return {
      status: answer.statusCode,
      text,
      incidents: signals.flatMap((signal) => signal.incident ?? []),
      deliberate: answer.headers['retry-after'] !== undefined,
      sent,
      path,
    };
  } catch (error) {
    return { status: 0, text: (error as Error).message, incidents: [], deliberate: false, sent, path };
  }
}
