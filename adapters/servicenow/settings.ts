/** Settings of a ServiceNow destination: incidents through the Table API, or events (destinations 2.2, 2.3). */
import { z } from 'zod';
import { FIELD_NAME, isReserved, unknownPlaceholders } from './fields.ts';

const text = z.string().min(1, 'must not be empty');

const auth = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('basic').describe('User and password.'),
    username: text.describe('User, flagged "web service access only".'),
    password: text.describe('Secret.'),
  }),
  z.strictObject({
    type: z.literal('oauth').describe('OAuth with client credentials.'),
    clientId: text.describe('Client id.'),
    clientSecret: text.describe('Secret.'),
    scope: text.optional().describe('Sent when the token is asked for.'),
  }),
  z.strictObject({
    type: z.literal('apiKey').describe('A key.'),
    token: text.describe('Secret.'),
  }),
]);

const level = z.enum(['1', '2', '3'], { error: 'must be "1", "2" or "3", in quotes' });
const pair = z.strictObject({
  impact: level.describe('In quotes.'),
  urgency: level.describe('In quotes.'),
});

/** Priority follows from the pair by the instance's own lookup rules: 1/1 is critical, 3/3 is planning (destinations 2.3). */
const impactUrgency = z.strictObject({
  critical: pair.default({ impact: '1', urgency: '1' }).describe('Of a critical incident.'),
  error: pair.default({ impact: '2', urgency: '1' }).describe('Of severity error.'),
  warning: pair.default({ impact: '2', urgency: '2' }).describe('Of severity warning.'),
  info: pair.default({ impact: '3', urgency: '3' }).describe('Of severity info.'),
});

const state = z.string().regex(/^-?\d+$/, 'must be the number of a state, in quotes');

/** State numbers of the incident table as delivered (destinations 2.3); instances may renumber them. */
const states = z.strictObject({
  new: state.default('1').describe('New.'),
  inProgress: state.default('2').describe('In Progress.'),
  resolved: state.default('6').describe('Resolved: what the relay sets at the end.'),
  closed: state.default('7').describe('Closed: such a record is never written.'),
  canceled: state.default('8').describe('Canceled: such a record is never written.'),
});

const fields = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).superRefine((given, check) => {
  for (const [name, value] of Object.entries(given)) {
    const fault = fieldFault(name, String(value));
    if (fault !== null) check.addIssue({ code: 'custom', path: [name], message: fault });
  }
});

export const serviceNowSettings = z.strictObject({
  mode: z
    .enum(['incident', 'event'], { error: 'must be incident or event' })
    .default('incident')
    .describe('Records of the incident table, or events for Event Management where the instance has it.'),
  instanceUrl: z
    .url({ protocol: /^https?$/, error: 'must be a URL such as https://example.service-now.com', abort: true })
    .refine((url) => isBare(url), { error: 'must have neither user nor query nor fragment' })
    .describe('Base URL of the instance, such as `https://contoso.service-now.com`.'),
  auth: auth.describe('How the relay signs in: `type` is `basic`, `oauth` or `apiKey`.'),
  fields: fields
    .prefault({})
    .describe("Columns of the record: fixed text or a template such as `{{trackingId}}`; a route's `fields` win."),
  closeCode: text.default('Solution provided').describe('A close code that your instance has.'),
  states: states.prefault({}).describe('Numbers of the states in your instance, in quotes.'),
  reopen: z
    .enum(['reopen', 'new'])
    .default('reopen')
    .describe('What an incident that comes back does to its resolved record. A closed one always gets a new record.'),
  impactUrgency: impactUrgency
    .prefault({})
    .describe('Impact and urgency by severity; the instance makes a priority of them.'),
});

export type ServiceNowSettings = z.infer<typeof serviceNowSettings>;

/** The instance's URL without a slash at its end. */
export function baseUrl(settings: ServiceNowSettings): string {
  return settings.instanceUrl.replace(/\/+$/, '');
}

/** Everything that must never be shown, the encoded form of basic credentials included. */
export function secretsOf(settings: ServiceNowSettings): string[] {
  switch (settings.auth.type) {
    case 'basic':
      return [settings.auth.password, basicCredentials(settings.auth)];
    case 'oauth':
      return [settings.auth.clientSecret];
    case 'apiKey':
    default:
      return [settings.auth.token];
  }
}

/** User and password as the `Authorization` header wants them. */
export function basicCredentials(auth: { username: string; password: string }): string {
  return Buffer.from(`${auth.username}:${auth.password}`, 'utf8').toString('base64');
}

function fieldFault(name: string, value: string): string | null {
  if (!FIELD_NAME.test(name)) return 'is not the name of a column: lower-case letters, digits and _';
  if (isReserved(name)) return 'is set by the relay itself and cannot be a field';
  const unknown = unknownPlaceholders(value);
  return unknown.length === 0 ? null : `holds a placeholder that does not exist: ${unknown.join(', ')}`;
}

function isBare(url: string): boolean {
  const { username, password, search, hash } = new URL(url);
  return username === '' && password === '' && search === '' && hash === '';
}
