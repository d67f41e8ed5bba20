/**
 * What a destination would be sent, without sending it: the adapter runs with a client that writes requests down and
 * lets none out. Reads are answered as empty, so that an adapter that looks first comes to its write; a write fails.
 */
import type { HttpCall, HttpRequest, Step } from '#src/core/adapter.ts';
import { plan, type UpdatesPolicy } from '#src/core/plan.ts';
import type { Destination, RelayConfig, UpdatesSetting } from '#src/config/types.ts';
import { buildStep, stepKey, vendorKey } from '#src/pipeline/step.ts';
import { deliverContext } from './context.ts';
import type { FoldedIncident } from './fold-payloads.ts';

export interface Preview {
  action: Step['action'];
  /** What an adapter over HTTP would send first; reads come before it. */
  requests: CapturedRequest[];
  /** A mail: subject and text. */
  mail: { subject: string; text: string } | null;
  /** Why there is no message; empty where there is one. */
  why: string;
}

export interface CapturedRequest {
  method: HttpRequest['method'];
  /** Scheme, host and port: what follows can be the credential. */
  origin: string;
  /** JSON is indented; secrets are replaced. Null where there is none. */
  body: string | null;
}

export interface PreviewOptions {
  config: RelayConfig;
  now: Date;
  /** Replaces secrets. */
  hide: (text: string) => string;
}

/** The first message that a destination would get about an incident as it stands; null where policy says nothing. */
export async function previewMessage(
  one: FoldedIncident,
  destination: Destination,
  options: PreviewOptions,
): Promise<Preview | null> {
  const { config, now, hide } = options;
  const made = firstStep(one, destination, options);
  if (made === null) return null;
  const { step, key } = made;
  const { requests, http } = recordingCall(hide);
  const resolveHost = () => Promise.reject(new Error('nothing is looked up for a preview'));
  const context = deliverContext(config, destination, {
    http,
    resolveHost,
    signal: AbortSignal.timeout(destination.adapter.deadlineMs),
    vendorKey: vendorKey(config.relayId, one.incident, destination.id),
    stepKey: key,
    now,
  });
  const found = { action: step.action, requests, mail: null, why: '' };
  const mail = destination.adapter.preview?.(step, context);
  if (mail) return { ...found, mail: { subject: hide(mail.subject), text: hide(mail.text) } };
  const outcome = await destination.adapter.deliver(step, context);
  if (requests.some((request) => request.method !== 'GET')) return found;
  return { ...found, why: hide(outcome.detail ?? 'the adapter makes no call for this step') };
}

function firstStep(
  one: FoldedIncident,
  destination: Destination,
  { config, now }: PreviewOptions,
): { step: Step; key: string } | null {
  const { incident, scope } = one;
  const recordedAt = now.toISOString();
  const nowMs = now.getTime();
  const planned = plan({
    updates: policyOf(destination.updates, nowMs),
    repeat: destination.adapter.repeat,
    told: 'nothing',
    toldSeverity: null,
    deliveredRevision: 0,
    firstRevision: incident.revision,
    revisions: one.revisions.map((entry) => ({ ...entry, recordedAtMs: nowMs })),
    unsettled: null,
    lastAcceptedAtMs: null,
    parent: null,
    silence: null,
    nowMs,
  });
  if (planned.do !== 'step') return null;
  const due = {
    id: 'dlv_preview',
    destination: destination.name,
    incidentId: incident.id,
    fence: 1,
    wantedRevision: incident.revision,
    deliveredRevision: 0,
    firstRevision: incident.revision,
    told: 'nothing' as const,
    toldSeverity: null,
    memo: {},
    tries: 0,
    stepSince: null,
    lastAcceptedAt: null,
    fallbackOf: null,
    keyEpisode: null,
    announced: false,
    incident: { ...incident, scopeCount: 0 },
    revisions: one.revisions.map((entry) => ({ ...entry, recordedAt, html: null })),
    unsettled: null,
    doubtedRevision: null,
    parent: null,
    children: 0,
    failures: 0,
    heldMark: null,
    silences: null,
    passThrough: false,
  };
  return { step: buildStep(config, due, { plan: planned, scope }), key: stepKey(due.id, planned) };
}

/** A digest is shown as if its time had come. */
function policyOf(updates: UpdatesSetting, nowMs: number): UpdatesPolicy {
  return updates.policy === 'digest' ? { policy: 'digest', dueMs: nowMs } : updates;
}

function recordingCall(hide: PreviewOptions['hide']): { requests: CapturedRequest[]; http: HttpCall } {
  const requests: CapturedRequest[] = [];
  const answer = (body: unknown) =>
    Promise.resolve({ answered: true as const, status: 200, headers: {}, body: JSON.stringify(body) });
  return {
    requests,
    http: (request) => {
      // The form of every OAuth token endpoint (RFC 6749, 4.4): its request is no message and holds the client's secret.
      const isToken = Object.values(request.headers ?? {}).includes('application/x-www-form-urlencoded');
      if (isToken) return answer({ access_token: 'preview', expires_in: 3600 });
      const { method, url, body } = request;
      requests.push({ method, origin: originOf(url), body: body === undefined ? null : hide(indented(body)) });
      if (method === 'GET') return answer({ result: [] });
      return Promise.resolve({ answered: false, sent: false, reason: 'aborted', detail: 'a preview sends nothing' });
    },
  };
}

function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : 'an address that is no URL';
}

function indented(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}
