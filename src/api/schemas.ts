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
    kind: z.enum([
      'outage',
      'maintenance',
      'advisory',
      'security',
      'resource',
      'alert',
      'change',
      'unrecognised',
      'canary',
    ]),
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
    id: z.number().int().openapi({ description: 'For `corrects` of a correction' }),
    at: Time,
    recordedAt: Time,
    kind: z.enum(['communication', 'state', 'scope', 'decision', 'attempt', 'note', 'evidence']),
    revision: z.number().int(),
    summary: z.string(),
    data: z.record(z.string(), z.unknown()),
    changes: z.array(z.string()).openapi({ description: 'What changed since the revision before; computed' }),
    voice: z.enum(['microsoft', 'source', 'relay', 'person']).openapi({ description: 'Whose word this is' }),
    who: z.string(),
  })
  .openapi('TimelineEntry');

const Seconds = z.number().int().nullable();

export const Clocks = z
  .object({
    impactStartedAt: MaybeTime,
    firstCommunicationAt: MaybeTime,
    firstSignalAt: MaybeTime,
    committedAt: MaybeTime,
    firstPageAt: MaybeTime,
    firstToldAt: MaybeTime,
    acknowledgedAt: MaybeTime,
    mitigatedAt: MaybeTime,
    resolvedAt: MaybeTime,
    reviewedAt: MaybeTime,
    durations: z
      .object({
        toCommunicate: Seconds,
        toNotice: Seconds,
        toNotify: Seconds,
        toAcknowledge: Seconds,
        toMitigate: Seconds,
        toResolve: Seconds,
      })
      .openapi({ description: 'Seconds; null where one end is missing or the order is wrong' }),
  })
  .openapi('Clocks');

export const Related = z
  .object({
    id: z.string(),
    trackingId: z.string().nullable(),
    kind: z.string(),
    state: z.string(),
    severity: z.string(),
    headline: z.string(),
    startedAt: MaybeTime,
    by: z.enum(['resource', 'impact', 'service', 'region']),
    reason: z.string().openapi({ example: 'same service: Container Registry' }),
    overlap: z.object({ from: Time, until: MaybeTime }),
  })
  .openapi('Related');

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
    createdAt: Time,
    fallbackOf: z.string().nullable(),
    reason: z.string().nullable(),
    heldBack: z
      .string()
      .nullish()
      .openapi({ description: 'By what, while the state is suppressed; null where its parent speaks for it' }),
    attempts: z.array(Attempt),
  })
  .openapi('Delivery');

/** Words that are known, in any case: comma separated, repeated, or both. A misspelt one would be an empty answer that looks like calm. */
const list = (known: readonly string[], example: string): z.ZodType<string[]> =>
  z
    .union([z.string(), z.array(z.string())])
    .optional()
    .transform((text, context) => {
      const given = [text ?? ''].flat().join(',').split(',');
      const words = given.map((word) => word.trim().toLowerCase()).filter((word) => word !== '');
      if (words.every((word) => known.includes(word))) return words;
      context.addIssue({ code: 'custom', message: `takes ${known.join(', ')}; several with commas` });
      return z.NEVER;
    })
    .openapi({ type: 'string', example });
const states = list(Incident.shape.state.options, 'active,planned');
const kinds = list(Incident.shape.kind.options, 'outage');
/** U+0000 is text to JavaScript and an error to Postgres. */
const text = z
  .string()
  .max(500)
  .transform((value) => value.replaceAll('\u0000', ''))
  .optional();
const time = z
  .string()
  .max(40)
  .transform((value, context) => {
    const ms = parseUtc(value);
    if (!Number.isNaN(ms)) return new Date(ms).toISOString();
    context.addIssue({ code: 'custom', message: 'not a time; write 2026-09-14T08:00:00Z' });
    return z.NEVER;
  })
  .openapi({ type: 'string', example: '2026-09-14T08:00:00Z' })
  .optional();

/** Milliseconds; a time without a zone is UTC, whatever zone the server runs in. NaN where it is no time. */
export function parseUtc(text: string): number {
  const iso = text.trim().replace(/^(\d{4}-\d\d-\d\d) (?=\d)/, '$1T');
  const zoned = /[tT]/.test(iso) && !/(?:[zZ]|[+-]\d\d:?\d\d)$/.test(iso) ? `${iso}Z` : iso;
  const ms = /^\d{4}-\d\d/.test(zoned) ? Date.parse(zoned) : Number.NaN;
  // Postgres takes years up to 294276, readers and clocks do not.
  return Math.abs(ms) < 32_503_680_000_000 ? ms : Number.NaN;
}

export const IncidentQuery = z.object({
  state: states,
  kind: kinds,
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

const at = time.openapi({ description: 'As it was known at this moment' });
export const AsOfQuery = z.object({ at });

export const TimelineQuery = z.object({
  format: z.enum(['json', 'markdown', 'csv', 'html']).optional(),
  audience: z
    .enum(['internal', 'external'])
    .default('internal')
    .openapi({ description: '`external` leaves out people, subscriptions and destinations' }),
  at,
  limit: z.coerce.number().int().min(1).optional().openapi({ description: 'Default: the whole' }),
});

export const NoteBody = z
  .object({
    text: z.string().trim().max(10_000).default(''),
    event: z.enum(['note', 'correction', 'acknowledged']).default('note'),
    corrects: z.number().int().positive().optional().openapi({ description: 'Id of the entry that is corrected' }),
  })
  .refine((note) => note.text !== '' || note.event === 'acknowledged', { path: ['text'], error: 'say something' })
  .refine((note) => note.corrects === undefined || note.event === 'correction', {
    path: ['corrects'],
    error: 'goes with event: correction',
  })
  .openapi('Note');

export const ClocksQuery = z.object({
  by: z.enum(['incident', 'month', 'service', 'region', 'registry']).default('month'),
  format: z.enum(['json', 'csv']).optional(),
  kind: kinds,
  service: text,
  region: text,
  subscription: text,
  from: time.openapi({ description: 'Default: 90 days ago' }),
  to: time.openapi({ description: 'Default: now' }),
});
