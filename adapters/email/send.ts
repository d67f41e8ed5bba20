/** One mail over a pool, with the one fact that nodemailer does not tell: whether the message had begun to go out. */
import type { Readable } from 'node:stream';
import type { Mail } from './render.ts';
import type { MailTransport, SentMail } from './transport.ts';

export interface SendOptions {
  mail: Mail;
  from: string;
  to: readonly string[];
  signal: AbortSignal;
}

/** A recipient that the server did not take, while it took others. */
export interface Refusal {
  address: string;
  /** Reply to RCPT TO; null where nodemailer does not know it. */
  code: number | null;
  /** Refused for now only, as greylisting does: another try may reach it. */
  deferred: boolean;
}

export type Sent =
  | { ok: true; accepted: readonly string[]; refused: readonly Refusal[]; response: string }
  /** `refused` where the server took none of the recipients. */
  | { ok: false; error: unknown; dataSent: boolean; refused: readonly Refusal[] };

type RecipientError = NonNullable<SentMail['rejectedErrors']>[number];

/** What the plugin below fills in for one mail. */
interface Watch {
  stream: Readable | null;
}

/** By Message-ID: one step is under way once only. */
const watches = new Map<string, Watch>();
const watched = new WeakSet<MailTransport>();

/** Sends once. Never throws; the signal ends it at once, wherever it stands. */
export async function sendMail(transport: MailTransport, { mail, from, to, signal }: SendOptions): Promise<Sent> {
  const watch: Watch = { stream: null };
  watches.set(mail.messageId, watch);
  watchStreams(transport);
  try {
    const info = await transport.sendMail({
      from,
      to: [...to],
      subject: mail.subject,
      text: mail.text,
      html: mail.html,
      messageId: mail.messageId,
      inReplyTo: mail.root,
      references: mail.root,
      headers: mail.headers,
      list: mail.list,
      signal,
    });
    return {
      ok: true,
      accepted: info.accepted.map(addressOf),
      refused: (info.rejectedErrors ?? []).map(refusalOf),
      response: info.response,
    };
  } catch (error) {
    const { rejectedErrors = [] } = error as Pick<SentMail, 'rejectedErrors'>;
    return {
      ok: false,
      error,
      dataSent: watch.stream?.readableDidRead ?? false,
      refused: rejectedErrors.map(refusalOf),
    };
  } finally {
    watches.delete(mail.messageId);
  }
}

/**
 * The connection reads the message's stream only after the server's 354 to DATA. So whether it was read tells whether
 * the server may have the mail.
 */
function watchStreams(transport: MailTransport): void {
  if (watched.has(transport)) return;
  watched.add(transport);
  transport.use('stream', (mail, done) => {
    const { message } = mail;
    const watch = watches.get(message.messageId());
    const create = message.createReadStream.bind(message);
    message.createReadStream = (options) => {
      const stream = create(options);
      if (watch) watch.stream = stream;
      return stream;
    };
    done();
  });
}

function refusalOf({ recipient, responseCode, permanent }: RecipientError): Refusal {
  return { address: recipient ?? '', code: responseCode ?? null, deferred: permanent === false };
}

function addressOf(entry: string | { address?: string | undefined }): string {
  return typeof entry === 'string' ? entry : (entry.address ?? '');
}
