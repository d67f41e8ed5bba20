/** Microsoft Teams through a Workflows webhook (destinations 3). Facts and limits: README.md beside this file. */
import { createHash } from 'node:crypto';
import type { DeliverContext, HttpAnswer, Outcome, Step } from '#src/core/adapter.ts';
import { defineAdapter } from '../shared/define.ts';
import { classifyHttp, describeAnswer } from '../shared/status.ts';
import { ENCODED_BYTES_MAX } from './budget.ts';
import { renderCard } from './render.ts';
import { teamsSecrets, teamsSettings, type TeamsSettings } from './settings.ts';

export const teams = defineAdapter<TeamsSettings>({
  kind: 'teams',
  settings: teamsSettings,
  limits: { encodedBytesMax: ENCODED_BYTES_MAX },
  // No id comes back and none is taken: a repeat shows twice, and says so (destinations 3.2).
  repeat: 'mark',
  defaults: { updates: 'each', failOpen: false, concurrency: 2 },
  deadlineMs: 20_000,
  secrets: teamsSecrets,
  targets: (settings) => [settings.webhookUrl],
  accountKey,
  deliver,
});

async function deliver(step: Step, context: DeliverContext<TeamsSettings>): Promise<Outcome> {
  const result = await context.http({
    method: 'POST',
    url: context.settings.webhookUrl,
    headers: { 'content-type': 'application/json' },
    body: renderCard(step, context),
  });
  const outcome = classifyHttp(result, { now: context.now() });
  if (outcome?.outcome === 'permanent' && outcome.reason === 'gone') return { ...outcome, disableDestination: true };
  if (outcome !== null || !result.answered) return outcome ?? { outcome: 'unknown', reason: 'unexpected' };
  return judgeBody(result);
}

/**
 * A 2xx is empty, or whatever the flow's own answer says. Two bodies are no success: the connector's failure text,
 * which came with 200 (destinations 3.1), and a web page, which no flow sends but proxies and sign-in pages do.
 */
function judgeBody(answer: HttpAnswer): Outcome {
  const { status, body, headers } = answer;
  const detail = describeAnswer(answer);
  if (/message delivery failed/i.test(body)) {
    const inner = Number(/HTTP error (\d{3})/i.exec(body)?.[1] ?? 0);
    if (inner === 429) return { outcome: 'retryable', reason: 'rate-limited', status, detail };
    if (inner === 413) return { outcome: 'permanent', reason: 'too-large', status, detail };
    return { outcome: inner >= 400 && inner < 500 ? 'permanent' : 'retryable', reason: 'wrong-body', status, detail };
  }
  if (/^\s*<(?:!doctype|html)/i.test(body)) return { outcome: 'retryable', reason: 'wrong-body', status, detail };
  const run = headers['x-ms-workflow-run-id'];
  return {
    outcome: 'accepted',
    status,
    receipt: { level: 'accepted', status, ...(run === undefined ? {} : { workflowRunId: run }) },
  };
}

/** A new signature leaves the flow the same; another path is another flow. */
function accountKey({ webhookUrl }: TeamsSettings): string {
  const { origin, pathname } = new URL(webhookUrl);
  return createHash('sha256')
    .update(origin + pathname)
    .digest('hex');
}
