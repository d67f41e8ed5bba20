/** Tools: what an incident has to do with our own resources. The same functions as behind `/impact` and `/evidence`. */
import { z } from '@hono/zod-openapi';
import { Impact, impactAnswer } from '../estate.ts';
import { Check, evidenceAnswer, ResourceEvidence } from '../evidence.ts';
import { cleanId } from './incidents.ts';
import { momentOf } from './moment.ts';
import { cut, defineTool, Id, Moment, Omitted } from './tool.ts';

const EACH_MAX = 100;

export const impactTool = defineTool({
  name: 'get_impact',
  title: 'Which of our resources are hit',
  description: `The blast radius: our registries and clusters that the incident hits by its places, their owners, and Azure's own list beside it. known is false where the estate is not known; then nothing follows from an empty list. At most ${EACH_MAX} of each.`,
  input: z.strictObject({ id: Id }),
  output: z.object({ impact: Impact, omitted: Omitted }),
  async run({ id }, { deps, caller }) {
    const impact = await impactAnswer(deps, caller, cleanId(id));
    const { hits, azureOnly } = impact;
    const { kept, omitted } = cut({ hits, azureOnly }, EACH_MAX);
    return { structured: { impact: { ...impact, ...kept }, omitted }, text: impact.summary };
  },
});

const Brief = ResourceEvidence.extend({ checks: z.array(Check.omit({ points: true })) });

export const evidenceTool = defineTool({
  name: 'get_evidence',
  title: 'Did it hit us',
  description: `What metrics, logs and our own alerts say of our resources in the time of the incident: a verdict and its numbers per resource. "not seen" is no proof of health; an empty summary means that nobody has looked. At most ${EACH_MAX} resources.`,
  input: z.strictObject({ id: Id, at: Moment.optional().describe('As it was known at this moment') }),
  output: z.object({
    evidence: z.object({ configured: z.boolean(), summary: z.string(), resources: z.array(Brief) }),
    omitted: Omitted,
  }),
  async run({ id, at }, { deps, caller }) {
    const evidence = await evidenceAnswer(deps, caller, { id: cleanId(id), at: momentOf(at) });
    const { resources } = evidence;
    const { kept, omitted } = cut({ resources }, EACH_MAX);
    const none = evidence.configured ? 'No evidence has been gathered.' : 'Evidence is not configured.';
    return { structured: { evidence: { ...evidence, ...kept }, omitted }, text: evidence.summary || none };
  },
});
