/** Tool: who was told. The same functions as behind `/v1/incidents/{id}/deliveries`. */
import { z } from '@hono/zod-openapi';
import { deliveriesOf, findRecord } from '../incidents-record.ts';
import { Delivery } from '../schemas.ts';
import { cleanId } from './incidents.ts';
import { momentOf } from './moment.ts';
import { counted, cut, defineTool, Id, Moment, Omitted } from './tool.ts';

const DELIVERIES_MAX = 200;
/** A vendor that is away for a day is tried some hundred times. */
const ATTEMPTS_MAX = 20;

export const deliveriesTool = defineTool({
  name: 'get_deliveries',
  title: 'Who was told',
  description: `What was promised to which destination, each attempt, and what the vendor answered (receipt). A delivery is level when its state is delivered and both revisions are equal. The newest ${ATTEMPTS_MAX} attempts of each.`,
  input: z.strictObject({ id: Id, at: Moment.optional().describe('As it stood at this moment') }),
  output: z.object({
    deliveries: z.array(Delivery.extend({ attemptCount: z.number().int() })),
    omitted: Omitted,
  }),
  async run({ id, at }, { deps, caller }) {
    const found = await findRecord(deps, caller, { id: cleanId(id), at: momentOf(at) });
    const all = (await deliveriesOf(deps, found)) as z.infer<typeof Delivery>[];
    const { kept, omitted } = cut({ deliveries: all }, DELIVERIES_MAX);
    const deliveries = kept.deliveries.map((one) => ({
      ...one,
      attempts: one.attempts.slice(-ATTEMPTS_MAX),
      attemptCount: one.attempts.length,
    }));
    const lines = deliveries.map((one) => {
      const last = one.attempts.at(-1);
      const word = last ? `, last ${last.action}: ${last.outcome ?? 'under way'}` : '';
      const why = one.reason === null ? '' : ` (${one.reason})`;
      return `${one.destination} (${one.type}): ${one.state}, ${counted(one.attemptCount, 'attempt')}${word}${why}`;
    });
    return {
      structured: { deliveries, omitted },
      text: lines.length === 0 ? 'Nobody was told, and nobody is to be.' : lines.join('\n'),
    };
  },
});
