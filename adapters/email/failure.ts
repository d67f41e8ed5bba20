/** What a failed `sendMail` means: the point that matters is whether the message had begun to go out. */
import type { Outcome, Reason } from '#src/core/adapter.ts';

export interface MailFailure {
  error: unknown;
  /** The server had taken DATA and asked for the message. */
  dataSent: boolean;
}

/** The fields that nodemailer puts on its errors, as far as they are read here. */
interface SmtpError {
  message: string;
  code: string;
  command: string;
  responseCode: number | null;
  permanent: boolean | null;
  originalCode: string;
  rejectedErrors: SmtpError[];
}

const DETAIL_CHARS_MAX = 300;

/**
 * A reply of the server decides: 5xx is for good (503 excepted), 4xx is for now. Without a reply, everything before
 * DATA is certainly without effect, and everything after it is unknown.
 */
export function outcomeOf({ error, dataSent }: MailFailure): Outcome {
  const fault = read(error);
  const detail = fault.message.replaceAll(/\s+/g, ' ').slice(0, DETAIL_CHARS_MAX);
  const status = fault.responseCode;
  if (status === null) {
    const reason = withoutReply(fault);
    return dataSent ? { outcome: 'unknown', reason, detail } : { outcome: 'retryable', reason, detail };
  }
  // All recipients were refused: the mail may still go to one who was refused for now.
  const refusals = fault.rejectedErrors.length > 0 ? fault.rejectedErrors : [fault];
  const permanent = refusals.every((refusal) => refusal.permanent === true);
  if (fault.code === 'EAUTH') {
    return permanent
      ? { outcome: 'permanent', reason: 'unauthorized', status, detail }
      : { outcome: 'retryable', reason: 'server-error', status, detail };
  }
  if (permanent) return { outcome: 'permanent', reason: status === 552 ? 'too-large' : 'refused', status, detail };
  return { outcome: 'retryable', reason: 'server-error', status, detail };
}

const DNS_CODES = /^(?:ENOTFOUND|EAI_\w+|EDNS)$/;

/** A reason for a failure without a reply. */
export function reasonOf(error: unknown): Reason {
  return withoutReply(read(error));
}

function withoutReply({ code, originalCode, message }: SmtpError): Reason {
  if (code === 'EABORT' || code === 'ABORT_ERR') return 'aborted';
  if (DNS_CODES.test(code) || DNS_CODES.test(originalCode)) return 'dns';
  if (code === 'ETIMEDOUT') return 'timeout';
  if (code === 'ETLS' || /certificate|self.signed|TLS|SSL/i.test(`${originalCode} ${message}`)) return 'tls';
  if (originalCode === 'ECONNRESET' || originalCode === 'EPIPE' || code === 'ECONNECTION') return 'reset';
  return code === 'ESOCKET' ? 'connect' : 'unexpected';
}

function read(error: unknown): SmtpError {
  const fields: Record<string, unknown> = typeof error === 'object' && error !== null ? { ...error } : {};
  const text = (key: string): string => (typeof fields[key] === 'string' ? fields[key] : '');
  return {
    message: error instanceof Error ? error.message : 'the mail was not sent',
    code: text('code'),
    command: text('command'),
    responseCode: typeof fields['responseCode'] === 'number' ? fields['responseCode'] : null,
    permanent: typeof fields['permanent'] === 'boolean' ? fields['permanent'] : null,
    originalCode: text('originalCode'),
    rejectedErrors: Array.isArray(fields['rejectedErrors']) ? fields['rejectedErrors'].map(read) : [],
  };
}
