/** Tools: the list of incidents, and one of them. The same functions as behind `/v1/incidents`. */
import { z } from '@hono/zod-openapi';
import { incidentAnswer, pageOfIncidents, WholeIncident } from '../incidents.ts';
import { mayReadSecurity } from '../incidents-need-to-know.ts';
import { Problem } from '../problem.ts';
import { Incident, IncidentQuery } from '../schemas.ts';
import { counted, cut, defineTool, Id, Moment, Omitted } from './tool.ts';
import { momentOf } from './moment.ts';

const LIST_MAX = 50;
/** Subscriptions, resources, witnesses and related incidents of one incident. */
const EACH_MAX = 100;

const word = z.string().min(1).max(500);

export const listTool = defineTool({
  name: 'list_incidents',
  title: 'List incidents',
  description:
    'Incidents, newest first. Filters are joined by "and"; service and region must hold for one and the same impact. from and to select what was going on in between.',
  input: z.strictObject({
    state: z
      .array(z.enum(['planned', 'active', 'resolved', 'closed']))
      .max(4)
      .optional(),
    kind: z
      .array(z.enum(['outage', 'maintenance', 'advisory', 'security', 'resource', 'alert', 'change', 'unrecognised']))
      .max(8)
      .optional(),
    service: word.optional().describe("Azure's name of the service, such as Container Registry"),
    region: word.optional().describe('West Europe or westeurope'),
    subscription: word.optional().describe('Id, or the name that the relay gives it'),
    source: word.optional(),
    from: Moment.optional(),
    to: Moment.optional(),
    q: word.optional().describe('Words of titles, tracking IDs, posts and notes'),
    limit: z.number().int().min(1).max(LIST_MAX).default(20),
    cursor: word.optional().describe('The next of the page before'),
  }),
  output: z.object({ incidents: z.array(Incident), next: z.string().nullable() }),
  async run({ state = [], kind = [], ...rest }, { deps, caller }) {
    const query = IncidentQuery.safeParse({ ...rest, state: state.join(','), kind: kind.join(',') });
    if (!query.success) {
      const [issue] = query.error.issues;
      throw new Problem(400, 'invalid', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'malformed'}`);
    }
    const page = await pageOfIncidents(deps, { query: query.data, full: mayReadSecurity(deps.config(), caller) });
    const incidents = page.incidents as z.infer<typeof Incident>[];
    const lines = incidents.map(
      (one) => `${one.trackingId ?? one.id}: ${one.headline} (${one.state}, ${one.severity}, since ${one.firstSeenAt})`,
    );
    if (page.next !== null) lines.push('There are more: call again with the cursor in next.');
    return {
      structured: { incidents, next: page.next },
      text: lines.length === 0 ? 'No incident fits.' : lines.join('\n'),
    };
  },
});

export const incidentTool = defineTool({
  name: 'get_incident',
  title: 'One incident',
  description: `One incident: state, impacts, subscriptions, resources, who told us, its clocks, and related incidents. At most ${EACH_MAX} of each list.`,
  input: z.strictObject({ id: Id, at: Moment.optional().describe('As it was known at this moment') }),
  output: z.object({ incident: WholeIncident, omitted: Omitted }),
  async run({ id, at }, { deps, caller }) {
    const incident = await incidentAnswer(deps, caller, { id: cleanId(id), at: momentOf(at) });
    const { subscriptions, resources, impacts, provenance, related } = incident;
    const { kept, omitted } = cut({ subscriptions, resources, impacts, provenance, related }, EACH_MAX);
    const places = impacts.slice(0, 5).map(({ service, region }) => `${service} in ${region || 'an unknown region'}`);
    const text = [
      incident.headline,
      `${incident.kind}, ${incident.state}, severity ${incident.severity}, revision ${incident.revision}`,
      `${places.join('; ') || 'no place named'}; ${counted(incident.subscriptionCount, 'subscription')}`,
      ...(incident.withheld ? ['The text of this security post is withheld from this token.'] : []),
    ].join('\n');
    return { structured: { incident: { ...incident, ...kept }, omitted }, text };
  },
});

/** As in the path of the API: U+0000 is text to JavaScript and an error to Postgres. */
export function cleanId(id: string): string {
  return id.replaceAll('\u0000', '');
}
