/**
 * `mode: event`: steps as Event Management events (destinations 2.2). The instance's own rules make alerts of them, and
 * incidents of those. The message key is the vendor key, so the same event again does no harm.
 */
import { createHash } from 'node:crypto';
import type { DeliverContext, Outcome, Step } from '#src/core/adapter.ts';
import { callInstance, WRITE_TIMEOUT_MS } from './call.ts';
import { renderEvent } from './render-event.ts';
import { baseUrl, type ServiceNowSettings } from './settings.ts';

type Context = DeliverContext<ServiceNowSettings>;

/** Sends what the step needs: an event, a clearing one, or nothing. */
export async function deliverEvent(step: Step, context: Context): Promise<Outcome> {
  if (step.test) return deliverTest(step, context);
  const { action } = step;
  const closing = action === 'resolve' || action === 'retract';
  // An event after the clearing one would open the alert again (destinations 0.1), whatever its severity.
  if (action === 'note' && !step.opened) {
    const why = 'not sent: an event after the end would open the alert again';
    return { outcome: 'accepted', status: null, detail: why, receipt: { level: 'accepted', sent: false, why } };
  }
  return send(step, { context, closing, messageKey: context.vendorKey });
}

/** The mildest severity, under a key of its own, and its end. A repeat finds the alert and opens no second one. */
async function deliverTest(step: Step, context: Context): Promise<Outcome> {
  const messageKey = createHash('sha256').update(`${context.vendorKey}/test/${context.stepKey}`).digest('hex');
  const opened = await send(step, { context, closing: false, messageKey });
  return opened.outcome === 'accepted' ? send(step, { context, closing: true, messageKey }) : opened;
}

interface SendOptions {
  context: Context;
  closing: boolean;
  messageKey: string;
}

async function send(step: Step, { context, closing, messageKey }: SendOptions): Promise<Outcome> {
  const { record, ignored } = renderEvent(step, context, { closing, messageKey });
  const reply = await callInstance(
    {
      method: 'POST',
      url: `${baseUrl(context.settings)}/api/global/em/jsonv2`,
      body: JSON.stringify({ records: [record] }),
      timeoutMs: WRITE_TIMEOUT_MS,
    },
    context,
  );
  if (!reply.ok) return reply.outcome;
  const { status, headers, json } = reply;
  // The status of a success is not documented: any 2xx with JSON is one (destinations 2.2), a page is none.
  const isJson = (headers['content-type'] ?? '').includes('json') && json !== null;
  if (!isJson || (typeof json === 'object' && 'error' in json)) {
    const detail = `HTTP ${status}, but no JSON of a success: a login page, a hibernating instance or maintenance`;
    return { outcome: 'retryable', reason: 'wrong-body', status, detail };
  }
  const receipt = { level: 'accepted', status, messageKey, severity: record.severity } as const;
  return {
    outcome: 'accepted',
    status,
    receipt: ignored.length === 0 ? receipt : { ...receipt, ignoredFields: ignored },
  };
}
