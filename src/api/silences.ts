/** `/v1/silences` and `/v1/pass-through`: what keeps quiet, and the switch that lets everything speak. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { duration } from '#src/config/duration.ts';
import { isKnownWord, MATCH_WORDS } from '#src/config/references.ts';
import { matchSchema } from '#src/config/schema-match.ts';
import { MATCH_MISSING, REASON_CHARS_MAX, windowFault } from '#src/config/schema-silences.ts';
import { suggest } from '#src/config/suggest.ts';
import type { RelayConfig } from '#src/config/types.ts';
import { safeLine } from '#src/core/safe.ts';
import { MATCH_KEYS, type Match } from '#src/core/route-condition.ts';
import { readTurns } from '#src/db/pass-through.ts';
import {
  liftSilence,
  passThroughState,
  readQuiet,
  setPassThrough,
  setSilence,
  SILENCES_MAX,
  silenceStates,
  type QuietNow,
  type QuietOptions,
} from '#src/pipeline/quiet.ts';
import type { ApiDeps, Env } from './deps.ts';
import { failure, json, refusals } from './incidents-shared.ts';
import { Problem } from './problem.ts';

export type { QuietNow };

const Time = z.string().openapi({ format: 'date-time' });
/** JSON of a match; each look for what is due carries those in force. */
const MATCH_CHARS_MAX = 4000;

const Silence = z
  .object({
    id: z.string(),
    origin: z.enum(['call', 'config']),
    state: z.enum(['ahead', 'active', 'over']),
    from: Time,
    until: Time,
    match: z.object(Object.fromEntries(MATCH_KEYS.map((key) => [key, z.array(z.string()).readonly().optional()]))),
    destinations: z.array(z.string()).nullable().openapi({ description: 'null: every destination' }),
    author: z.string(),
    reason: z.string(),
    createdAt: Time.nullable(),
    endedAt: Time.nullable().openapi({ description: 'Lifted before its end' }),
    endedBy: z.string().nullable(),
    held: z.number().int().openapi({ description: 'Deliveries that it holds back at the moment' }),
  })
  .openapi('Silence');

const moment = z.iso
  .datetime({ offset: true, error: 'write a time with its zone, such as 2026-12-01T22:00:00Z' })
  .openapi({ format: 'date-time' });

const SilenceBody = z
  .strictObject({
    // Made here: a schema that is older than the extension by zod-openapi has no such method.
    match: matchSchema(MATCH_MISSING).openapi({
      type: 'object',
      description: `As in a route; {} is every incident. Keys: ${MATCH_KEYS.join(', ')}; each a text or a list of texts. A silence covers an incident only when the whole of it lies within`,
    }),
    from: moment.optional().openapi({ description: 'Default: now' }),
    until: moment.optional().openapi({ description: 'The end; either this or `for`' }),
    for: duration.optional().openapi({ type: 'string', description: 'How long from its start, such as 2h' }),
    destinations: z.array(z.string().min(1)).min(1, 'leave it out for every destination').max(100).optional(),
    reason: z.string().max(REASON_CHARS_MAX).default(''),
  })
  .refine((given) => (given.until === undefined) !== (given.for === undefined), {
    error: 'a silence needs an end: either until or for',
    path: ['until'],
  })
  .openapi('NewSilence');

const Turn = z.object({ at: Time, on: z.boolean(), author: z.string(), reason: z.string() });

const PassThrough = z
  .object({
    on: z.boolean(),
    configured: z.boolean().openapi({ description: '`passThrough: true` in relay.yaml: a call cannot turn it off' }),
    turn: Turn.nullable().openapi({ description: 'The last turn by call' }),
  })
  .openapi('PassThrough');

/** The options of the use cases, from what the HTTP side has. */
export function quietOptions(deps: ApiDeps, pool: 'read' | 'ingest' = 'read'): QuietOptions {
  return { ...deps, pool: deps.pools[pool] };
}

/** What the pages say on top of them: silences in force and the switch. */
export function quietNow(deps: ApiDeps): Promise<QuietNow> {
  return readQuiet(quietOptions(deps));
}

/** Registers the routes; authorisation is the caller's middleware. */
export function silenceRoutes(app: OpenAPIHono<Env>, deps: ApiDeps): void {
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/silences',
      summary: 'Silences that are active or ahead, of the config and by call; with `all` also those that are over',
      request: { query: z.object({ all: z.enum(['true', 'false']).default('false') }) },
      responses: { 200: json(z.object({ silences: z.array(Silence) }), 'The silences'), ...refusals },
    }),
    async (c) =>
      c.json({ silences: await silenceStates(quietOptions(deps), { over: c.req.valid('query').all === 'true' }) }, 200),
  );

  app.openapi(
    createRoute({
      method: 'post',
      path: '/v1/silences',
      summary: 'Sets a silence under the name of the token: until its end, matching deliveries are held back',
      request: { body: { required: true, content: { 'application/json': { schema: SilenceBody } } } },
      responses: {
        201: json(
          z.object({
            silence: Silence,
            covers: z.array(z.string()).openapi({ description: 'Ids of open incidents that it covers now' }),
          }),
          'Set; what it holds back is judged again at its end',
        ),
        400: failure('No end, an end that is over, an unknown destination, kind or severity'),
        409: failure(`${SILENCES_MAX} silences are not over yet`),
        ...refusals,
      },
    }),
    async (c) => {
      const wish = wishFrom(c.req.valid('json'), deps);
      const author = c.get('caller').name;
      const set = await setSilence(quietOptions(deps, 'ingest'), { ...wish, author });
      if (set === 'over') throw new Problem(400, 'invalid', 'until: is over already');
      if (set === 'too-many')
        throw new Problem(409, 'too-many', `${SILENCES_MAX} silences are not over yet; lift some first`);
      const { silence, covered } = set;
      const { id, until } = silence;
      deps.log.warn({ silence: id, by: author, until, reason: silence.reason, covers: covered.length }, 'silence.set');
      return c.json({ silence, covers: covered }, 201);
    },
  );

  app.openapi(
    createRoute({
      method: 'delete',
      path: '/v1/silences/{id}',
      summary: 'Lifts a silence: what it holds back is judged again at once',
      request: { params: z.object({ id: z.string().min(1).max(100) }) },
      responses: {
        200: json(z.object({ lifted: z.string() }), 'Lifted'),
        404: failure('Unknown, or over already'),
        409: failure('It stands in the config'),
        ...refusals,
      },
    }),
    async (c) => {
      const id = c.req.valid('param').id.replaceAll('\u0000', '');
      if (deps.config().silences.some((one) => one.id === id))
        throw new Problem(409, 'in-config', 'this silence stands in relay.yaml; take it out there');
      const by = c.get('caller').name;
      const destinations = await liftSilence(quietOptions(deps, 'ingest'), id, by);
      if (destinations === null) throw new Problem(404, 'no-such-silence', 'no such silence, or it is over');
      deps.ring(destinations);
      deps.log.info({ silence: id, by, destinations }, 'silence.lifted');
      return c.json({ lifted: id }, 200);
    },
  );

  passThroughRoutes(app, deps);
}

function passThroughRoutes(app: OpenAPIHono<Env>, deps: ApiDeps): void {
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/pass-through',
      summary: 'Whether everything that can hold a notification back is turned off, and who turned it',
      responses: { 200: json(PassThrough.extend({ turns: z.array(Turn) }), 'The switch'), ...refusals },
    }),
    async (c) => {
      const options = quietOptions(deps);
      const [state, turns] = await Promise.all([passThroughState(options), readTurns(options.pool, 50)]);
      return c.json({ ...state, turns }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'put',
      path: '/v1/pass-through',
      summary: 'Turns off (or on again) everything of ours that can hold a notification back, in every replica',
      request: {
        body: {
          required: true,
          content: {
            'application/json': {
              schema: z.strictObject({ on: z.boolean(), reason: z.string().max(REASON_CHARS_MAX).default('') }),
            },
          },
        },
      },
      responses: {
        200: json(
          PassThrough.extend({
            changed: z.boolean(),
            destinations: z.array(z.string()).openapi({ description: 'Those that are told what was held back' }),
          }),
          'Turned; what was held back is told at once',
        ),
        400: failure('Neither true nor false'),
        ...refusals,
      },
    }),
    async (c) => {
      const { on, reason } = c.req.valid('json');
      const author = c.get('caller').name;
      const turn = { on, author, reason: safeLine(reason, REASON_CHARS_MAX) };
      const { state, changed, destinations } = await setPassThrough(quietOptions(deps, 'ingest'), turn);
      deps.ring(destinations);
      if (changed) deps.log.warn({ ...turn, destinations }, 'pass-through.turned');
      return c.json({ ...state, changed, destinations }, 200);
    },
  );
}

function wishFrom(body: z.output<typeof SilenceBody>, deps: ApiDeps) {
  const { match, destinations = null, reason } = body;
  const nowMs = deps.now().getTime();
  const fromMs = body.from === undefined ? nowMs : Math.max(nowMs, Date.parse(body.from));
  const untilMs = body.until === undefined ? fromMs + (body.for ?? 0) : Date.parse(body.until);
  const window = windowFault(fromMs, untilMs);
  const fault = window === null ? matchFault(match, destinations, deps.config()) : `until: ${window}`;
  if (fault !== null) throw new Problem(400, 'invalid', fault);
  return {
    match,
    destinations,
    reason: safeLine(reason, REASON_CHARS_MAX),
    from: body.from === undefined ? null : new Date(fromMs).toISOString(),
    until: new Date(untilMs).toISOString(),
  };
}

/** A misspelt word would silence nothing, and nobody would know until it rings. */
function matchFault(match: Match, destinations: readonly string[] | null, config: RelayConfig): string | null {
  const known = config.destinations.map((destination) => destination.name);
  const stray = destinations?.find((name) => !known.includes(name));
  if (stray !== undefined) return withHint(`destinations: there is no ${JSON.stringify(stray)}`, suggest(stray, known));
  for (const key of ['kind', 'severity', 'estate'] as const) {
    const words = MATCH_WORDS[key];
    const odd = match[key]?.find((word) => !isKnownWord(word, words));
    if (odd !== undefined) return withHint(`match.${key}: ${JSON.stringify(odd)} is none`, suggest(odd, words));
  }
  const text = JSON.stringify(match);
  if (text.length > MATCH_CHARS_MAX) return `match: takes more than ${MATCH_CHARS_MAX} characters`;
  if (text.includes('\\u0000') || !text.isWellFormed()) return 'match: holds characters that no name has';
  return null;
}

function withHint(fault: string, hint: string): string {
  return hint === '' ? fault : `${fault}; ${hint}`;
}
