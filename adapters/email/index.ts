/** Mail through SMTP (destinations 4). Facts and limits: README.md beside this file. */
import { createHash } from 'node:crypto';
import type { DeliverContext, Outcome, Step } from '#src/core/adapter.ts';
import { defineAdapter } from '../shared/define.ts';
import { reasonOf, outcomeOf } from './failure.ts';
import { addressDigest, readMemo, writeMemo } from './memo.ts';
import { renderMail, SUBJECT_CHARS_MAX, type Mail } from './render.ts';
import { sendMail, type Refusal } from './send.ts';
import { addressOf, emailSecrets, emailSettings, smtpTarget, type EmailSettings } from './settings.ts';
import { accessToken, forgetToken, knownToken } from './token.ts';
import { closeTransports, SOCKET_TIMEOUT_MS, transportFor } from './transport.ts';

export const email = defineAdapter<EmailSettings>({
  kind: 'email',
  settings: emailSettings,
  limits: { subjectCharsMax: SUBJECT_CHARS_MAX, recipientsMax: 50, socketTimeoutMs: SOCKET_TIMEOUT_MS },
  // A server may drop a second mail with the same Message-ID, but none must: a repeat says that it is one.
  repeat: 'mark',
  defaults: { updates: 'each', failOpen: false, concurrency: 2 },
  deadlineMs: 30_000,
  secrets: emailSecrets,
  targets,
  accountKey,
  deliver,
  preview(step, context) {
    const { subject, text } = renderMail(step, { ...context, from: context.settings.from, subject: null, root: null });
    return { subject, text };
  },
  close: closeTransports,
});

/** With the five pauses of the default schedule some four minutes: greylisting is mostly over by then, and no fallback has begun. */
const DEFERRED_TRIES_MAX = 6;

async function deliver(step: Step, context: DeliverContext<EmailSettings>): Promise<Outcome> {
  const { settings, signal, stepKey } = context;
  if (signal.aborted) return { outcome: 'retryable', reason: 'aborted', detail: 'aborted before anything was sent' };
  const memo = readMemo(context.memo);
  const reached = memo.step === stepKey ? memo.reached : [];
  const to = settings.to.filter((mailbox) => !reached.includes(digestOf(mailbox)));
  if (to.length === 0) return { outcome: 'accepted', receipt: receiptOf({ reached: reached.length, refused: 0 }) };

  const place = await resolve(context);
  if ('outcome' in place) return place;
  const login = settings.auth === undefined ? null : await accessToken(settings.auth, context);
  if (login !== null && 'outcome' in login) return login;
  const mail = renderMail(step, { ...context, from: settings.from, subject: memo.subject, root: memo.root });
  const transport = transportFor(settings, {
    target: smtpTarget(settings.smtpUrl),
    ...place,
    token: login === null ? null : () => knownToken(settings),
  });
  const sent = await sendMail(transport, { mail, from: settings.from, to, signal });
  const tries = memo.step === stepKey ? memo.tries + 1 : 1;
  if (!sent.ok) {
    // Others have got this very mail: what is left of them being refused is no failure of the whole.
    if (reached.length > 0 && sent.refused.length > 0) {
      const rest = { accepted: [], refused: sent.refused, response: '' };
      return judgeSent({ mail, sent: rest, stepKey, reached, tries });
    }
    const outcome = outcomeOf(sent);
    // It may have arrived: what comes after it must stand in the same thread.
    if (outcome.outcome === 'unknown') {
      const thread = { subject: mail.subject, root: mail.root };
      const partly = reached.length > 0 ? stepKey : null;
      return { ...outcome, memo: writeMemo({ ...memo, ...thread, step: partly, reached }) };
    }
    if (outcome.outcome !== 'permanent' || outcome.reason !== 'unauthorized' || login === null) return outcome;
    forgetToken(settings);
    // A kept token may have been revoked: the next try brings another. A fresh one that does not work will not.
    return login.fresh ? outcome : { ...outcome, outcome: 'retryable' };
  }
  return judgeSent({ mail, sent, stepKey, reached, tries });
}

interface SentInput {
  mail: Mail;
  sent: { accepted: readonly string[]; refused: readonly Refusal[]; response: string };
  stepKey: string;
  reached: readonly string[];
  tries: number;
}

/**
 * At least one recipient was taken. Who was refused for now is tried again, alone, for as long as others should wait for
 * their next mail; who was refused for good, or still is then, stands in the receipt. A retry goes to those only.
 */
function judgeSent({ mail, sent, stepKey, reached, tries }: SentInput): Outcome {
  const { refused } = sent;
  const all = [...reached, ...sent.accepted.map(addressDigest)];
  const step = refused.length > 0 ? stepKey : null;
  const memo = writeMemo({ subject: mail.subject, root: mail.root, step, tries, reached: all });
  const detail =
    refused.length > 0 ? `${refused.length} of ${all.length + refused.length} recipients were refused` : 'sent';
  const deferred = refused.find((refusal) => refusal.deferred);
  if (deferred !== undefined && tries < DEFERRED_TRIES_MAX) {
    return { outcome: 'retryable', reason: 'refused', status: deferred.code, detail, memo };
  }
  const receipt = {
    ...receiptOf({ reached: all.length, refused: refused.length }),
    ...(refused.length === 0 ? {} : { refused: refused.map(refusalInWords) }),
    messageId: mail.messageId,
    response: sent.response.slice(0, 200),
  };
  return { outcome: 'accepted', status: 250, receipt, memo, detail };
}

/** Enough to know whom among the recipients of the config, without the whole address: `du…@contoso.example (550)`. */
function refusalInWords({ address, code }: Refusal): string {
  const [name = '', domain = ''] = address.split(/@(?=[^@]*$)/);
  return `${name.slice(0, 2)}…@${domain}${code === null ? '' : ` (${code})`}`;
}

function receiptOf({ reached, refused }: { reached: number; refused: number }) {
  return { level: 'accepted', acceptedRecipients: reached, rejectedRecipients: refused } as const;
}

/**
 * Where to connect, and whether TLS must be had. Plain text is possible only where the egress rules permit it for this
 * host; elsewhere smtp:// means STARTTLS.
 */
async function resolve(
  context: DeliverContext<EmailSettings>,
): Promise<{ address: string; requireTls: boolean } | Outcome> {
  const { host, secure } = smtpTarget(context.settings.smtpUrl);
  if (!secure) {
    const plain = await context.resolveHost(host, { tls: false }).catch(() => null);
    if (plain !== null) return { address: plain, requireTls: false };
  }
  try {
    return { address: await context.resolveHost(host, { tls: true }), requireTls: true };
  } catch (error) {
    const detail = error instanceof Error ? error.message : 'the host was refused';
    // A name server that does not answer is a matter of time, a rule is not.
    if (reasonOf(error) === 'dns') return { outcome: 'retryable', reason: 'dns', detail };
    return { outcome: 'permanent', reason: 'egress', detail };
  }
}

function digestOf(mailbox: string): string {
  return addressDigest(addressOf(mailbox) ?? mailbox);
}

/** As web addresses, the form that the egress rules read. Whether TLS is used is checked again at each connection. */
function targets({ smtpUrl, auth }: EmailSettings): string[] {
  const { hostname } = new URL(smtpUrl);
  const server = `https://${hostname}:${smtpTarget(smtpUrl).port}`;
  return auth === undefined ? [server] : [server, auth.accessUrl];
}

function accountKey({ smtpUrl, from, auth }: EmailSettings): string {
  const { host, port, user } = smtpTarget(smtpUrl);
  const account = JSON.stringify([host, port, auth?.user ?? user, addressOf(from)]);
  return createHash('sha256').update(account).digest('hex');
}
