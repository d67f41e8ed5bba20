/** The vendors of a scenario: strict stand-ins in the harness's own process, which outlives every relay it kills. */
import { OpsgenieServer } from '#test/support/vendors/opsgenie.ts';
import { PagerDutyServer } from '#test/support/vendors/pagerduty.ts';
import { SERVICENOW_CREDENTIALS, ServiceNowServer } from '#test/support/vendors/servicenow.ts';
import { SmtpStandIn } from '#test/support/vendors/smtp.ts';
import { TeamsServer } from '#test/support/vendors/teams.ts';
import { WebhookServer } from '#test/support/vendors/webhook.ts';

export const ROUTING_KEY = 'c4a05c4a05c4a05c4a05c4a05c4a0501';
const GENIE_KEY = 'chaos-genie-key-4711-0815';
export const WEBHOOK_SECRET = 'whsec_Y2hhb3MtaGFybmVzcy1zZWNyZXQtMDEyMzQ1Njc=';

export interface Cast {
  pager: PagerDutyServer;
  genie: OpsgenieServer;
  snow: ServiceNowServer;
  teams: TeamsServer;
  smtp: SmtpStandIn;
  hook: WebhookServer;
  stop(): Promise<void>;
}

export type Part = 'pager' | 'genie' | 'snow' | 'teams' | 'smtp' | 'hook';

/** Names of the destinations, by part. */
export const DESTINATION: Record<Part, string> = {
  pager: 'oncall',
  genie: 'jsm',
  snow: 'itsm',
  teams: 'channel',
  smtp: 'mail',
  hook: 'hook',
};

/** Starts all stand-ins on free ports. */
export async function startCast(): Promise<Cast> {
  const pager = await new PagerDutyServer({ routingKeys: [ROUTING_KEY] }).start();
  const genie = await new OpsgenieServer({ apiKey: GENIE_KEY }).start();
  const snow = await new ServiceNowServer().start();
  const teams = await new TeamsServer().start();
  const smtp = await new SmtpStandIn().start();
  const hook = await new WebhookServer(WEBHOOK_SECRET).start();
  return {
    pager,
    genie,
    snow,
    teams,
    smtp,
    hook,
    stop: async () => void (await Promise.all([pager, genie, snow, teams, smtp, hook].map((server) => server.stop()))),
  };
}

const RETRY = 'retry: { schedule: [200ms, 500ms, 1s] }';

/** One line of YAML per destination; `more` is added to it. */
export function destinationLine(cast: Cast, part: Part, more = ''): string {
  const rest = `, ${RETRY}${more ? `, ${more}` : ''} }`;
  const { username, password } = SERVICENOW_CREDENTIALS;
  const lines: Record<Part, string> = {
    pager: `{ type: pagerduty, routingKey: ${ROUTING_KEY}, eventsUrl: "${cast.pager.url}"`,
    genie: `{ type: opsgenie, apiKey: ${GENIE_KEY}, apiUrl: "${cast.genie.apiUrl}"`,
    snow: `{ type: servicenow, mode: incident, instanceUrl: "${cast.snow.url}", auth: { type: basic, username: ${username}, password: ${password} }`,
    teams: `{ type: teams, webhookUrl: "${cast.teams.url}"`,
    smtp: `{ type: email, smtpUrl: "${cast.smtp.smtpUrl}", from: relay@contoso.example, to: [sre@contoso.example]`,
    hook: `{ type: webhook, url: "${cast.hook.url}/hook", secret: "${WEBHOOK_SECRET}"`,
  };
  return `  ${DESTINATION[part]}: ${lines[part]}${rest}`;
}

/** Everything in the cast's configuration that nobody may ever see in a log, an answer or a page. */
export function castSecrets(cast: Cast): string[] {
  return [ROUTING_KEY, GENIE_KEY, SERVICENOW_CREDENTIALS.password, cast.teams.sig, cast.smtp.password, WEBHOOK_SECRET];
}
