/** Settings of a mail destination. */
import addressparser from 'nodemailer/lib/addressparser';
import { z } from 'zod';

/** More belong on a distribution list: every recipient is a command of its own before the message. */
const RECIPIENTS_MAX = 50;

const mailbox = z.string({ error: 'must be a mail address' }).refine((value) => addressOf(value) !== null, {
  error: 'must be one mail address, with or without a name before it',
});

const oauth2 = z.strictObject({
  type: z.literal('oauth2').describe('XOAUTH2.'),
  user: z.string().min(1).describe('The mailbox to sign in as.'),
  clientId: z.string().min(1).describe('Client id of the application.'),
  clientSecret: z.string().min(8, 'must be at least 8 characters').describe('Secret of the application.'),
  refreshToken: z
    .string()
    .min(8, 'must be at least 8 characters')
    .optional()
    .describe("With one the token is renewed for a person's mailbox; without, the application signs in for itself."),
  accessUrl: z
    .url({ protocol: /^https?$/, error: 'must be the URL of the token endpoint' })
    .describe('Token endpoint: `https://login.microsoftonline.com/<tenant>/oauth2/v2.0/token` for Exchange Online.'),
  scope: z
    .string()
    .min(1)
    .optional()
    .describe('Unless set what Exchange Online asks of an application; not sent with a refresh token unless set.'),
});

export const emailSettings = z.strictObject({
  smtpUrl: z
    .url({ protocol: /^smtps?$/, error: 'must be a URL such as smtps://user:password@host:465', abort: true })
    .superRefine((url, check) => {
      const fault = faultOf(url);
      if (fault !== null) check.addIssue({ code: 'custom', message: fault });
    })
    .describe(
      'A secret: `smtps://user:password@host:465`, or `smtp://user:password@host:587`, where STARTTLS is demanded unless `egress.allow` names the host.',
    ),
  from: mailbox.describe('Sender, with or without a name; bounces go there.'),
  to: z
    .array(mailbox, { error: 'must be a list of mail addresses' })
    .min(1, 'needs at least one address')
    .max(RECIPIENTS_MAX, `takes at most ${RECIPIENTS_MAX} addresses; use a distribution list`)
    .describe('Recipients; more belong on a distribution list.'),
  auth: oauth2.optional().describe('Sign-in by token in place of user and password in `smtpUrl`.'),
});

export type EmailSettings = z.infer<typeof emailSettings>;
export type OAuth2Settings = z.infer<typeof oauth2>;

export interface SmtpTarget {
  /** Without brackets. */
  host: string;
  port: number;
  /** TLS from the first byte. */
  secure: boolean;
  user: string;
  password: string;
}

/** The parts of an smtp URL; ports default to 587 and 465. */
export function smtpTarget(smtpUrl: string): SmtpTarget {
  const url = new URL(smtpUrl);
  const secure = url.protocol === 'smtps:';
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (secure ? 465 : 587) : Number(url.port),
    secure,
    user: decode(url.username),
    password: decode(url.password),
  };
}

/** The bare address of `Name <a@b>`, or null unless it is exactly one. */
export function addressOf(mailbox: string): string | null {
  const [first, ...others] = addressparser(mailbox, { flatten: true });
  const address = first?.address ?? '';
  return others.length === 0 && /^[^\s@<>,;]+@[^\s@<>,;]+$/.test(address) && !/[\r\n]/.test(mailbox) ? address : null;
}

/** Password, client secret and refresh token, as they are and as they stand in the URL. */
export function emailSecrets({ smtpUrl, auth }: EmailSettings): string[] {
  const raw = new URL(smtpUrl).password;
  const found = [smtpUrl, raw, decode(raw), auth?.clientSecret, auth?.refreshToken];
  return found.filter((value): value is string => value !== undefined && value !== '');
}

function faultOf(smtpUrl: string): string | null {
  if (!URL.canParse(smtpUrl)) return null;
  const { hostname, search, pathname, username, password } = new URL(smtpUrl);
  if (hostname === '') return 'names no host';
  if (search !== '' || (pathname !== '' && pathname !== '/')) return 'takes user, password, host and port only';
  if ((username === '') !== (password === '')) return 'needs both user and password, or neither';
  return null;
}

/** A percent sign that stands for itself is common in passwords. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
