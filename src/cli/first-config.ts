/** The first relay.yaml: valid as it is, without a vendor, and with one example per adapter to take the comment from. */

/** Text of the file. Tokens are written as they are: printable ASCII without quotes. */
export function firstConfig({ receiverToken, apiToken }: { receiverToken: string; apiToken: string }): string {
  return `# Health Relay. All keys: docs/reference/config.md. After a change: npm run relay -- check
# Secrets can stand elsewhere: \${NAME} is filled in from the environment, \${file:path} from a file.
relayId: relay # part of every vendor key: give each relay its own, and leave it

receivers:
  tokens:
    - { source: azure, token: ${receiverToken} }
api:
  tokens:
    - { role: operate, name: operator, token: ${apiToken} }

# publicUrl: https://relay.example.com # where people reach the pages; messages link to it

# Who can be told. As long as there is nobody, incidents are recorded and shown, and that is all.
# Take the # from what you have, then name it in the routes below.
destinations:
  # oncall: { type: pagerduty, routingKey: '\${PAGERDUTY_KEY}', region: us }
  # tickets:
  #   type: servicenow
  #   mode: incident
  #   instanceUrl: https://example.service-now.com
  #   auth: { type: basic, username: health-relay, password: '\${SERVICENOW_PASSWORD}' }
  # channel: { type: teams, webhookUrl: '\${TEAMS_URL}' }
  # mail: { type: email, smtpUrl: '\${SMTP_URL}', from: relay@example.com, to: [oncall@example.com] }
  # chat: { type: slack, webhookUrl: '\${SLACK_URL}' }
  # alerts: { type: opsgenie, apiKey: '\${OPSGENIE_KEY}' }
  # hook: { type: webhook, url: https://example.org/hook, secret: '\${WEBHOOK_SECRET}' }

# Who is told of what. Every route that matches applies, first to last.
routes:
  # - name: our registries and clusters
  #   match: { kind: [outage, security], service: [Container Registry, Azure Kubernetes Service (AKS)] }
  #   to: [oncall, tickets, channel]
  # - name: everything else
  #   match: {}
  #   to: [mail]
`;
}
