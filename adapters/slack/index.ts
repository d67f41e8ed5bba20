/** Slack through an incoming webhook (destinations 6). Facts and limits: README.md beside this file. */
import { createHash } from 'node:crypto';
import type { DeliverContext, HttpAnswer, Outcome, Step } from '#src/core/adapter.ts';
import { defineAdapter } from '../shared/define.ts';
import { classifyHttp, describeAnswer } from '../shared/status.ts';
import { HEADER_CHARS_MAX, renderMessage, SECTION_CHARS_MAX, TOTAL_CHARS_MAX } from './render.ts';
import { slackSecrets, slackSettings, type SlackSettings } from './settings.ts';

export const slack = defineAdapter<SlackSettings>({
  kind: 'slack',
  settings: slackSettings,
  limits: {
    headerCharsMax: HEADER_CHARS_MAX,
    sectionCharsMax: SECTION_CHARS_MAX,
    totalCharsMax: TOTAL_CHARS_MAX,
    blocksMax: 50,
  },
  // No id comes back and none is taken: a repeat shows twice, and says so (destinations 6).
  repeat: 'mark',
  defaults: { updates: 'each', failOpen: false, concurrency: 1 },
  deadlineMs: 20_000,
  secrets: slackSecrets,
  targets: (settings) => [settings.webhookUrl],
  accountKey: (settings) => createHash('sha256').update(settings.webhookUrl).digest('hex'),
  deliver,
});

/** Bodies that say that the webhook itself is no more, whatever the status; 404 and 410 say so by themselves (destinations 0.2). */
const GONE = /\b(?:no_service|no_service_id|no_team|team_disabled|invalid_token)\b/;
const TOO_LONG = /\b(?:msg_too_long|msg_blocks_too_long)\b/;

async function deliver(step: Step, context: DeliverContext<SlackSettings>): Promise<Outcome> {
  const result = await context.http({
    method: 'POST',
    url: context.settings.webhookUrl,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify(renderMessage(step, context)),
  });
  const outcome = classifyHttp(result, { now: context.now() });
  if (outcome?.outcome === 'permanent' && result.answered) {
    const { status, body } = result;
    if (status === 404 || status === 410 || GONE.test(body)) return { ...outcome, disableDestination: true };
    if (TOO_LONG.test(body)) return { ...outcome, reason: 'too-large' };
  }
  if (outcome !== null || !result.answered) return outcome ?? { outcome: 'unknown', reason: 'unexpected' };
  return judgeBody(result);
}

/** Success is 200 and the text `ok`; everything else with a 2xx comes from somebody who is not Slack. */
function judgeBody(answer: HttpAnswer): Outcome {
  const { status, body } = answer;
  if (status === 200 && body.trim() === 'ok')
    return { outcome: 'accepted', status, receipt: { level: 'accepted', status } };
  return { outcome: 'retryable', reason: 'wrong-body', status, detail: describeAnswer(answer) };
}
