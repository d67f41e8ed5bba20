/** Tool: the timeline. The same functions as behind `/v1/incidents/{id}/timeline`; posts as plain text. */
import { z } from '@hono/zod-openapi';
import { htmlToText } from '#src/text/html.ts';
import { publicEntry } from '../incidents.ts';
import { findRecord, timelineOf } from '../incidents-record.ts';
import { TimelineEntry } from '../schemas.ts';
import { cleanId } from './incidents.ts';
import { momentOf } from './moment.ts';
import { counted, defineTool, Id, Moment } from './tool.ts';

const ENTRIES_MAX = 500;
/** Microsoft's posts are a few thousand characters; what is longer is a mailing of tables. */
const TEXT_CHARS_MAX = 8_000;
/** Lines of the short form. */
const LINES_MAX = 50;

export const timelineTool = defineTool({
  name: 'get_timeline',
  title: 'Timeline of an incident',
  description: `What happened, oldest first: posts by Microsoft, changes of state and scope, decisions of the relay, attempts, notes by people, evidence. The newest \`limit\` entries (at most ${ENTRIES_MAX}).`,
  input: z.strictObject({
    id: Id,
    at: Moment.optional().describe('As it was known at this moment'),
    limit: z.number().int().min(1).max(ENTRIES_MAX).default(100),
  }),
  output: z.object({
    timeline: z.array(TimelineEntry),
    omitted: z.number().int().describe('How many older entries there are'),
    withheld: z.boolean().describe('The text of this security post is for others'),
  }),
  async run({ id, at, limit }, { deps, caller }) {
    const found = await findRecord(deps, caller, { id: cleanId(id), at: momentOf(at) });
    const all = await timelineOf(deps, found);
    const timeline = all.slice(-limit).map((entry) => plainEntry(publicEntry(entry)));
    const omitted = all.length - timeline.length;
    const lines = timeline.slice(-LINES_MAX).map((entry) => `${entry.at} ${entry.kind}: ${entry.summary}`);
    const older = all.length - lines.length;
    if (older > 0) lines.unshift(`(${counted(older, 'older entry', 'older entries')})`);
    return {
      structured: { timeline, omitted, withheld: found.withheld },
      text: lines.length === 0 ? 'Nothing stands on the timeline.' : lines.join('\n'),
    };
  },
});

/** Markup costs a reader of text more than the words in it. */
function plainEntry(entry: z.infer<typeof TimelineEntry>): z.infer<typeof TimelineEntry> {
  const { html, ...data } = entry.data;
  if (typeof html === 'string') data['text'] = htmlToText(html);
  for (const [key, value] of Object.entries(data)) {
    if (typeof value === 'string' && value.length > TEXT_CHARS_MAX)
      data[key] = `${value.slice(0, TEXT_CHARS_MAX).toWellFormed()} [cut]`;
  }
  return { ...entry, data };
}
