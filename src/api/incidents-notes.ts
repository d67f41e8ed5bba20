/** What people add to the record: notes, corrections, acknowledgements, another try of a delivery. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { retryNow } from '#src/db/deliveries.ts';
import { addNote } from '#src/db/notes.ts';
import type { Caller } from './auth.ts';
import type { ApiDeps, Env } from './deps.ts';
import { findRecord } from './incidents-record.ts';
import { failure, IdParam, json, refusals } from './incidents-shared.ts';
import { Problem } from './problem.ts';
import { NoteBody } from './schemas.ts';

/** Registers the routes. */
export function noteRoutes(app: OpenAPIHono<Env>, deps: ApiDeps): void {
  app.openapi(
    createRoute({
      method: 'post',
      path: '/v1/incidents/{id}/notes',
      summary: 'Adds a note, a correction or an acknowledgement under the name of the token',
      request: { params: IdParam, body: { required: true, content: { 'application/json': { schema: NoteBody } } } },
      responses: {
        201: json(z.object({ at: z.string(), author: z.string(), id: z.number().int() }), 'Added'),
        400: failure('No text'),
        404: failure('Unknown'),
        413: failure('Over 1 MiB'),
        415: failure('Not said to be JSON'),
        ...refusals,
      },
    }),
    async (c) => {
      const note = c.req.valid('json');
      return c.json(await writeNote(deps, c.get('caller'), { id: c.req.valid('param').id, note }), 201);
    },
  );

  app.openapi(
    createRoute({
      method: 'post',
      path: '/v1/deliveries/{id}/retry',
      summary: 'Tries a delivery again at once',
      request: { params: z.object({ id: z.string().min(1).max(100) }) },
      responses: {
        202: json(
          z.object({
            retrying: z
              .boolean()
              .openapi({ description: 'false: nothing is left to send, the try is under way, or it is held back' }),
          }),
          'Taken',
        ),
        404: failure('Unknown'),
        ...refusals,
      },
    }),
    async (c) => {
      const retrying = await retryDelivery(deps, c.get('caller'), c.req.valid('param').id);
      return c.json({ retrying }, 202);
    },
  );
}

/** Writes a note by the caller. Throws the 404 for an unknown incident or entry. */
export async function writeNote(
  deps: ApiDeps,
  caller: Caller,
  { id, note }: { id: string; note: z.infer<typeof NoteBody> },
): Promise<{ at: string; author: string; id: number }> {
  const { incident } = await findRecord(deps, caller, { id, at: null });
  const author = caller.name;
  const { text, event } = note;
  const added = await addNote(deps.pools.ingest, {
    incidentId: incident.id,
    author,
    event,
    corrects: note.corrects ?? null,
    text: text.toWellFormed().replaceAll('\u0000', ''),
  });
  if (!added) throw new Problem(404, 'no-such-entry', 'the entry to correct is not on this timeline');
  return { at: added.at, author, id: added.id };
}

/** Makes a delivery due now and rings for it; false where there is nothing to retry. Throws the 404. */
export async function retryDelivery(deps: ApiDeps, caller: Caller, id: string): Promise<boolean> {
  const found = await retryNow(deps.pools.ingest, id.replaceAll('\u0000', ''), caller.name);
  if (found === null) throw new Problem(404, 'no-such-delivery', 'no delivery has this id');
  if (found.retrying) deps.ring([found.destination]);
  return found.retrying;
}
