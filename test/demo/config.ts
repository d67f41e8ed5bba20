/** The demo's relay.yaml: a small company with 25 subscriptions, five teams and six destinations. */
import { KEYS, type Cast } from './cast.ts';

export interface DemoSubscription {
  id: string;
  name: string;
  team: string;
  environment: string;
}

const TEAMS = ['storefront', 'payments', 'logistics', 'analytics', 'platform'];
const ENVIRONMENTS = ['prod', 'staging', 'test', 'dev', 'dr'];

/** Five teams with five environments each. The ids are made up. */
export const SUBSCRIPTIONS: readonly DemoSubscription[] = TEAMS.flatMap((team, t) =>
  ENVIRONMENTS.map((environment, e) => ({
    id: `5ab5c000-0000-4000-8000-${String(t * ENVIRONMENTS.length + e + 1).padStart(12, '0')}`,
    name: `${team}-${environment}`,
    team,
    environment,
  })),
);

/** What action groups send along as `?token=`. */
export const RECEIVER_TOKEN = 'demo-receiver-token-0001';

/** The file as text. No API token: the pages then open without log-in, on this machine only. */
export function relayYaml(cast: Cast, publicUrl: string): string {
  const { username, password } = KEYS.servicenow;
  const names = SUBSCRIPTIONS.map(
    ({ id, name, team, environment }) => `  "${id}": { name: ${name}, team: ${team}, environment: ${environment} }`,
  ).join('\n');
  return `relayId: demo
publicUrl: ${publicUrl}
receivers:
  tokens: [{ source: azure, token: ${RECEIVER_TOKEN} }]
  eventHubs:
    - { name: alerts, source: alerts, connectionString: "${cast.hubs.connectionString('alerts')}" }
    - { name: activity, source: activity, connectionString: "${cast.hubs.connectionString('activity')}", maxRecords: 500 }
azure: { armUrl: "${cast.azure.url}", accessToken: ${KEYS.azure} }
backfill: { every: 1h }
evidence: { every: 500ms, maxCalls: 1000, metricsUrl: "${cast.metrics.template}", logsUrl: "${cast.logs.url}", workspaces: [${KEYS.workspace}] }
egress: { allow: [127.0.0.0/8] }
subscriptions:
${names}
destinations:
  oncall: { type: pagerduty, routingKey: ${KEYS.pagerduty}, eventsUrl: "${cast.pagerduty.url}", ${RETRY} }
  itsm:
    type: servicenow
    mode: incident
    instanceUrl: "${cast.servicenow.url}"
    auth: { type: basic, username: ${username}, password: "${password}" }
    ${RETRY}
  channel: { type: teams, webhookUrl: "${cast.teams.url}", timezone: Europe/Berlin, ${RETRY} }
  mail: { type: email, smtpUrl: "${cast.mail.smtpUrl}", from: relay@contoso.example, to: [sre@contoso.example], ${RETRY} }
  hook: { type: webhook, url: "${cast.webhook.url}/hook", secret: "${KEYS.webhook}", ${RETRY} }
  jsm: { type: opsgenie, apiKey: ${KEYS.opsgenie}, apiUrl: "${cast.opsgenie.apiUrl}", ${RETRY} }
routes:
  - name: outages of what we run
    match:
      kind: outage
      service: [Container Registry, Azure Kubernetes Service (AKS)]
      region: [West Europe, North Europe]
    to: [oncall, itsm, channel, mail, hook]
    runbook: https://wiki.contoso.example/azure-outage
  - name: the storefront team has a pager of its own
    match: { kind: outage, team: storefront }
    to: [jsm]
  - name: own alerts
    match: { kind: alert, severity: [critical, error] }
    to: [jsm, channel]
  - name: planned and advisory
    match: { kind: [maintenance, advisory] }
    to: [channel, mail]
  - name: what nobody understood
    match: { kind: unrecognised }
    to: [mail]
`;
}

/** Short pauses, so that the two mishaps of the story cost no time. */
const RETRY = 'retry: { schedule: [500ms, 1s] }';
