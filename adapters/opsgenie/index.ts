/** Opsgenie and Jira Service Management alerts (destinations 5). Facts and limits: README.md beside this file. */
import { createHash } from 'node:crypto';
import type { DeliverContext, Outcome, Receipt, Step } from '#src/core/adapter.ts';
import { defineAdapter } from '../shared/define.ts';
import { confirmReceipt, judgeAnswer } from './answer.ts';
import { chooseCall } from './choose.ts';
import { LIMITS, renderCreate, renderNote } from './render.ts';
import { baseOf, opsgenieSettings, type OpsgenieSettings } from './settings.ts';

export const opsgenie = defineAdapter<OpsgenieSettings>({
  kind: 'opsgenie',
  settings: opsgenieSettings,
  limits: LIMITS,
  repeat: 'key',
  defaults: { updates: 'lifecycle', failOpen: true, concurrency: 4 },
  // A vendor that limits the rate may delay instead of answering 429 (destinations 5).
  deadlineMs: 20_000,
  secrets: (settings) => [settings.apiKey],
  targets: (settings) => [baseOf(settings)],
  accountKey: (settings) =>
    createHash('sha256')
      .update(`opsgenie:${baseOf(settings)}:${settings.apiKey}`)
      .digest('hex'),
  deliver,
  confirm,
});

type Context = DeliverContext<OpsgenieSettings>;
type Call = 'create' | 'note' | 'close';

async function deliver(step: Step, context: Context): Promise<Outcome> {
  if (step.test) return deliverTest(step, context);
  const choice = chooseCall(step, context);
  if (choice.call === 'none') {
    return {
      outcome: 'accepted',
      status: null,
      detail: choice.why,
      memo: { ...context.memo, created: false },
      receipt: { level: 'accepted', sent: false, why: choice.why },
    };
  }
  const outcome = await send(choice.call, { step, context, alias: context.vendorKey });
  // An unknown create may have made an alert as well.
  const created = choice.call === 'create' && (outcome.outcome === 'accepted' || outcome.outcome === 'unknown');
  return created ? { ...outcome, memo: { ...context.memo, created: true } } : outcome;
}

/** An alert of priority P5 under an alias of its own, closed at once. A repeat finds it open and opens no second one. */
async function deliverTest(step: Step, context: Context): Promise<Outcome> {
  const alias = createHash('sha256').update(`${context.vendorKey}/test/${context.stepKey}`).digest('hex');
  const opened = await send('create', { step, context, alias });
  if (opened.outcome !== 'accepted') return opened;
  return send('close', { step, context, alias });
}

async function send(call: Call, options: { step: Step; context: Context; alias: string }): Promise<Outcome> {
  const { step, context, alias } = options;
  const { settings, destination, relayId } = context;
  const render = call === 'create' ? renderCreate : renderNote;
  const result = await context.http({
    method: 'POST',
    url: `${baseOf(settings)}${pathOf(call, alias)}`,
    headers: { ...authOf(settings), 'content-type': 'application/json' },
    body: render(step, { alias, destination, relayId, settings }),
  });
  const judged = judgeAnswer(result, context.now());
  if (!judged.taken) return judged.outcome;
  const { requestId, status } = judged;
  return { outcome: 'accepted', status, receipt: { level: 'accepted', status, call, alias, requestId } };
}

/** Calls are processed after their 202; the request's status is the only truth (destinations 5). */
async function confirm(receipt: Receipt, context: Context): Promise<Receipt | null> {
  const { settings } = context;
  const requestId = receipt['requestId'];
  if (typeof requestId !== 'string') return null;
  const result = await context.http({
    method: 'GET',
    url: `${baseOf(settings)}/alerts/requests/${encodeURIComponent(requestId)}`,
    headers: authOf(settings),
  });
  return confirmReceipt(receipt, result);
}

function pathOf(call: Call, alias: string): string {
  if (call === 'create') return '/alerts';
  return `/alerts/${alias}/${call === 'note' ? 'notes' : 'close'}?identifierType=alias`;
}

function authOf(settings: OpsgenieSettings): Record<string, string> {
  return { authorization: `GenieKey ${settings.apiKey}` };
}
