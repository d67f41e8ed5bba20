/** Shapes of the API (design section 4), once: answers are typed by them and the OpenAPI document is made from them. */
import { z } from '@hono/zod-openapi';

const Time = z.string().openapi({ format: 'date-time', example: '2026-09-14T08:31:40.281Z' });
const MaybeTime = Time.nullable();
export const Outcome = z.enum([
  'opened',
  'updated',
  'resolved',
  'noted',
  'duplicate',
  'test',
  'unrecognised',
  'spooled',
]);

export const ProblemDocument = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number(),
    code: z.string(),
    detail: z.string(),
    requestId: z.string(),
  })
  .openapi('Problem');

export const SignalsAnswer = z
  .object({ signals: z.array(z.object({ id: z.string(), incident: z.string().nullable(), outcome: Outcome })) })
  .openapi('SignalsAnswer');

export const Incident = z
  .object({
    id: z.string(),
    identity: z.string(),
    episode: z.number().int(),
    trackingId: z.string().nullable(),
    kind: z.enum(['outage', 'maintenance', 'advisory', 'security', 'resource', 'alert', 'change', 'unrecognised']),
    state: z.enum(['planned', 'active', 'resolved', 'closed']),
    severity: z.enum(['critical', 'error', 'warning', 'info']),
    title: z.string(),
    headline: z.string(),
    stage: z.string().nullable(),
    impacts: z.array(z.object({ service: z.string(), region: z.string() })),
    subscriptions: z.array(z.string()),
    subscriptionCount: z.number().int(),
    resources: z.array(z.string()),
    startedAt: MaybeTime,
    mitigatedAt: MaybeTime,
    resolvedAt: MaybeTime,
    endsAt: MaybeTime,
    closedAt: MaybeTime,
    revision: z.number().int(),
    firstSeenAt: Time,
    lastSeenAt: Time,
    details: z.record(z.string(), z.string()),
  })
  .openapi('Incident');

export const Provenance = z
  .object({
    subscription: z.string(),
    name: z.string().nullable(),
    team: z.string().nullable(),
    source: z.string(),
    schema: z.string(),
    rule: z.string(),
    firstSeenAt: Time,
    impacts: z.number().int(),
  })
  .openapi('Provenance');

export const TimelineEntry = z
  .object({
    at: Time,
    recordedAt: Time,
    kind: z.enum(['communication', 'state', 'scope', 'decision', 'attempt', 'note', 'evidence']),
    revision: z.number().int(),
    summary: z.string(),
    data: z.record(z.string(), z.unknown()),
  })
  .openapi('TimelineEntry');

export const Attempt = z
  .object({
    number: z.number().int(),
    action: z.string(),
    covers: z.tuple([z.number().int(), z.number().int()]),
    startedAt: Time,
    finishedAt: MaybeTime,
    outcome: z.enum(['accepted', 'retryable', 'permanent', 'unknown']).nullable(),
    reason: z.string().nullable(),
    status: z.number().int().nullable(),
    detail: z.string().nullable(),
    repeat: z.boolean(),
    receipt: z.record(z.string(), z.unknown()).nullable(),
  })
  .openapi('Attempt');

export const Delivery = z
  .object({
    id: z.string(),
    destination: z.string(),
    type: z.string(),
    state: z.enum(['pending', 'delivering', 'retrying', 'delivered', 'failed', 'suppressed']),
    wantedRevision: z.number().int(),
    deliveredRevision: z.number().int(),
    nextAttemptAt: MaybeTime,
    fallbackOf: z.string().nullable(),
    reason: z.string().nullable(),
    attempts: z.array(Attempt),
  })
  .openapi('Delivery');

const list = (example: string): z.ZodType<string[]> =>
  z
    .string()
    .optional()
    .transform((text) =>
      (text ?? '')
        .split(',')
        .map((word) => word.trim())
        .filter((word) => word !== ''),
    )
    .openapi({ type: 'string', example });
const text = z.string().max(500).optional();
const time = z
  .string()
  .refine((value) => !Number.isNaN(Date.parse(value)), 'not a time; write 2026-09-14T08:00:00Z')
  .optional();

export const IncidentQuery = z.object({
  state: list('active,planned'),
  kind: list('outage'),
  service: text,
  region: text,
  subscription: text,
  source: text,
  from: time,
  to: time,
  q: text,
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: text,
});

export const TimelineQuery = z.object({
  format: z.enum(['json', 'markdown', 'csv', 'html']).optional(),
  at: time,
  limit: z.coerce.number().int().min(1).max(10_000).optional(),
});

export const NoteBody = z.object({ text: z.string().trim().min(1).max(10_000) }).openapi('Note');
