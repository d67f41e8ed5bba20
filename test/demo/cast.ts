/** The cast: local strict stand-ins for every vendor and for Azure, and the words a reader knows them by. */
import { ARM_TOKEN, ArmServer } from '#test/support/azure/arm-server.ts';
import { LogsServer } from '#test/support/azure/logs-server.ts';
import { MetricsServer } from '#test/support/azure/metrics-server.ts';
import { EventHubsServer } from '#test/support/event-hubs/event-hubs-server.ts';
import { OpsgenieServer } from '#test/support/vendors/opsgenie.ts';
import { PagerDutyServer } from '#test/support/vendors/pagerduty.ts';
import { SERVICENOW_CREDENTIALS, ServiceNowServer } from '#test/support/vendors/servicenow.ts';
import { SmtpStandIn } from '#test/support/vendors/smtp.ts';
import { TeamsServer } from '#test/support/vendors/teams.ts';
import { WebhookServer } from '#test/support/vendors/webhook.ts';

export interface Cast {
  pagerduty: PagerDutyServer;
  servicenow: ServiceNowServer;
  teams: TeamsServer;
  mail: SmtpStandIn;
  webhook: WebhookServer;
  opsgenie: OpsgenieServer;
  /** Two hubs: what an action group sends, and the export of the activity log. */
  hubs: EventHubsServer;
  /** Azure Resource Manager and Resource Graph. */
  azure: ArmServer;
  /** Azure Monitor metrics, and a Log Analytics workspace. */
  metrics: MetricsServer;
  logs: LogsServer;
}

/** Names of the destinations in the demo's relay.yaml, with the vendor behind each. */
export const DESTINATIONS = {
  oncall: 'PagerDuty',
  itsm: 'ServiceNow',
  channel: 'Teams',
  mail: 'mail',
  hook: 'webhook',
  jsm: 'Opsgenie',
} as const;

export type DestinationName = keyof typeof DESTINATIONS;

/** No secrets: nothing outside this process knows them. */
export const KEYS = {
  pagerduty: 'de0000000000000000000000000000a1',
  webhook: 'whsec_aGVhbHRoLXJlbGF5LWRlbW8tc2VjcmV0LTAwMQ==',
  opsgenie: 'demo-api-integration-key',
  servicenow: SERVICENOW_CREDENTIALS,
  azure: ARM_TOKEN,
  workspace: 'd3300000-0000-4000-8000-00000000c0de',
} as const;

/** Starts all of them on free loopback ports; they end with this process. */
export async function startCast(): Promise<Cast> {
  const [pagerduty, servicenow, teams, mail, webhook, opsgenie, hubs, azure, metrics, logs] = await Promise.all([
    new PagerDutyServer({ routingKeys: [KEYS.pagerduty] }).start(),
    new ServiceNowServer().start(),
    new TeamsServer().start(),
    new SmtpStandIn().start(),
    new WebhookServer(KEYS.webhook).start(),
    new OpsgenieServer({ apiKey: KEYS.opsgenie }).start(),
    new EventHubsServer({ hubs: { alerts: { partitions: 1 }, activity: { partitions: 4 } } }).start(),
    new ArmServer().start(),
    new MetricsServer().start(),
    new LogsServer().start(),
  ]);
  return { pagerduty, servicenow, teams, mail, webhook, opsgenie, hubs, azure, metrics, logs };
}

/** Closes every listening socket and connection. */
export async function stopCast(cast: Cast): Promise<void> {
  await Promise.all(Object.values(cast).map((server) => server.stop()));
}
