/** Mail through SMTP (destinations 4). Facts and limits: README.md beside this file. */
import { createHash } from 'node:crypto';
import type { DeliverContext, Outcome, Step } from '#src/core/adapter.ts';
import { defineAdapter } from '../shared/define.ts';
import { reasonOf, outcomeOf } from './failure.ts';
import { addressDigest, readMemo, writeMemo } from './memo.ts';
import { renderMail, SUBJECT_CHARS_MAX, type Mail } from './render.ts';
import { sendMail } from './send.ts';
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
  if (!sent.ok) {
    const outcome = outcomeOf(sent);
    if (outcome.outcome !== 'permanent' || outcome.reason !== 'unauthorized' || login === null) return outcome;
    forgetToken(settings);
    // A kept token may have been revoked: the next try brings another. A fresh one that does not work will not.
    return login.fresh ? outcome : { ...outcome, outcome: 'retryable' };
  }
  return accepted({ mail, sent, stepKey, reached });
}

interface AcceptedInput {
  mail: Mail;
  sent: { accepted: readonly string[]; rejected: readonly string[]; response: string };
  stepKey: string;
  reached: readonly string[];
}

/** At least one recipient was taken; who was refused is counted, and a retry of this step goes to those only. */
function accepted({ mail, sent, stepKey, reached }: AcceptedInput): Outcome {
  const all = [...reached, ...sent.accepted.map(addressDigest)];
  const partial = sent.rejected.length > 0;
  const memo = writeMemo({ subject: mail.subject, root: mail.root, step: partial ? stepKey : null, reached: all });
  const receipt = {
    ...receiptOf({ reached: all.length, refused: sent.rejected.length }),
    messageId: mail.messageId,
    response: sent.response.slice(0, 200),
  };
  const detail = partial
    ? `${sent.rejected.length} of ${all.length + sent.rejected.length} recipients were refused`
    : 'sent';
  return { outcome: 'accepted', status: 250, receipt, memo, detail };
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
