/** PagerDuty through the Events API v2 (destinations 1). Facts and limits: README.md beside this file. */
import { createHash } from 'node:crypto';
import type { DeliverContext, Memo, Outcome, Step } from '#src/core/adapter.ts';
import { defineAdapter } from '../shared/define.ts';
import { judgeAnswer } from './answer.ts';
import { chooseEvent } from './choose.ts';
import { BODY_BYTES_BUDGET, renderChange, renderResolve, renderTrigger, SUMMARY_CHARS_MAX } from './render.ts';
import { originOf, pagerDutySettings, type PagerDutySettings } from './settings.ts';

export const pagerduty = defineAdapter<PagerDutySettings>({
  kind: 'pagerduty',
  settings: pagerDutySettings,
  limits: {
    summaryCharsMax: SUMMARY_CHARS_MAX,
    dedupKeyCharsMax: 255,
    bodyBytesMax: BODY_BYTES_BUDGET,
    eventsPerMinuteMax: 120,
  },
  repeat: 'key',
  defaults: { updates: 'lifecycle', failOpen: true, concurrency: 4 },
  deadlineMs: 15_000,
  secrets: (settings) => [settings.routingKey],
  targets: (settings) => [originOf(settings)],
  accountKey,
  deliver,
});

type Context = DeliverContext<PagerDutySettings>;

const ORPHAN_WORDS = 'an earlier page stands under another routing key; resolve it by hand in PagerDuty';

/** A routing key belongs to one region, so its hash alone tells the account and service apart. */
function accountKey(settings: PagerDutySettings): string {
  return createHash('sha256').update(`pagerduty:${settings.routingKey}`).digest('hex');
}

function deliver(step: Step, context: Context): Promise<Outcome> {
  if (step.test) return deliverTest(step, context);
  const account = accountKey(context.settings);
  const choice = chooseEvent(step, { memo: context.memo, accountKey: account });
  switch (choice.event) {
    case 'trigger':
      return trigger(step, { context, account, orphaned: choice.orphaned });
    case 'resolve':
      return resolve(step, { context, account });
    case 'change':
      return change(step, { context, account });
    case 'none':
    default:
      return Promise.resolve({
        outcome: 'permanent',
        reason: 'refused',
        status: null,
        detail: `Not sent, the page is orphaned: ${ORPHAN_WORDS} (dedup key ${context.vendorKey}).`,
      });
  }
}

interface EventOptions {
  context: Context;
  account: string;
}

async function trigger(step: Step, options: EventOptions & { orphaned: boolean }): Promise<Outcome> {
  const { context, account, orphaned } = options;
  const body = renderTrigger(step, renderOptions(context, context.vendorKey));
  const outcome = await send('trigger', { context, body, dedupKey: context.vendorKey });
  // An unknown try may have paged under this key: remember it as well, or the resolve would not look for it.
  if (outcome.outcome !== 'accepted' && outcome.outcome !== 'unknown') return outcome;
  const marked = orphaned ? { ...outcome, detail: `Opened under the new routing key; ${ORPHAN_WORDS}.` } : outcome;
  return { ...marked, memo: remember(context.memo, { triggered: true, account }) };
}

async function resolve(step: Step, { context, account }: EventOptions): Promise<Outcome> {
  const body = renderResolve(step, renderOptions(context, context.vendorKey));
  const outcome = await send('resolve', { context, body, dedupKey: context.vendorKey });
  if (outcome.outcome !== 'accepted') return outcome;
  return { ...outcome, memo: remember(context.memo, { triggered: false, account }) };
}

async function change(step: Step, { context, account }: EventOptions): Promise<Outcome> {
  const body = renderChange(step, renderOptions(context, context.vendorKey));
  const outcome = await send('change', { context, body, dedupKey: null });
  if (outcome.outcome !== 'accepted' || context.memo['triggered'] === true) return outcome;
  return { ...outcome, memo: remember(context.memo, { triggered: false, account }) };
}

/**
 * Proves the way to the phone and back: an alert of severity info under a key of its own, resolved at once
 * (destinations 1.5). A repeat after a failed resolve finds the alert open and opens no second one.
 */
async function deliverTest(step: Step, context: Context): Promise<Outcome> {
  const dedupKey = createHash('sha256').update(`${context.vendorKey}/test/${context.stepKey}`).digest('hex');
  const options = renderOptions(context, dedupKey);
  const opened = await send('trigger', { context, body: renderTrigger(step, options), dedupKey });
  if (opened.outcome !== 'accepted') return opened;
  return send('resolve', { context, body: renderResolve(step, options), dedupKey });
}

interface SendOptions {
  context: Context;
  body: string;
  dedupKey: string | null;
}

async function send(event: 'trigger' | 'resolve' | 'change', options: SendOptions): Promise<Outcome> {
  const { context, body, dedupKey } = options;
  const path = event === 'change' ? '/v2/change/enqueue' : '/v2/enqueue';
  const result = await context.http({
    method: 'POST',
    url: `${originOf(context.settings)}${path}`,
    headers: { 'content-type': 'application/json' },
    body,
  });
  const outcome = judgeAnswer(result, context.now());
  if (outcome !== null || !result.answered) return outcome ?? { outcome: 'unknown', reason: 'unexpected' };
  return {
    outcome: 'accepted',
    status: result.status,
    receipt: { level: 'accepted', status: result.status, event, dedupKey },
  };
}

function renderOptions(context: Context, dedupKey: string) {
  const { settings, destination, relayId } = context;
  return { routingKey: settings.routingKey, dedupKey, destination, relayId };
}

function remember(memo: Memo, { triggered, account }: { triggered: boolean; account: string }): Memo {
  return { ...memo, triggered, accountKey: account };
}
