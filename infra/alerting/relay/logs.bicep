metadata description = 'Alerts on the log lines of the relay, for deployments where nothing scrapes its metrics, such as Container Apps.'

@description('Region of the rules; that of the workspace.')
param location string = resourceGroup().location

@description('Resource id of the Log Analytics workspace that takes the console logs of the Container Apps.')
param workspaceId string

@description('Action group that is told. Not one that goes through the relay: it would have to report its own absence.')
param actionGroupId string

@description('Start of the names of the relay\'s container apps.')
param appNamePrefix string

@description('Tags of the resources.')
param tags object = {}

// Console lines are JSON in Log_s; `msg` says what a line is (docs/operate.md).
var lines = 'ContainerAppConsoleLogs_CL | where ContainerAppName_s startswith "${appNamePrefix}" | extend line = parse_json(Log_s)'

var rules = [
  {
    name: 'relay-canary-lost'
    description: 'A canary did not come through. docs/runbooks/relay-canary-lost.md'
    query: '${lines} | where tostring(line.msg) == "canary.lost" | summarize lost = count() by receiver = tostring(line.receiver) | where lost >= 3'
    severity: 1
    threshold: 0
    operator: 'GreaterThan'
  }
  {
    name: 'relay-canary-silent'
    description: 'No canary has come back at all: no replica runs, or none reaches Postgres. docs/runbooks/relay-canary-lost.md'
    query: '${lines} | where tostring(line.msg) == "canary.returned"'
    severity: 1
    threshold: 1
    operator: 'LessThan'
  }
  {
    name: 'relay-audit-finding'
    description: 'An accepted signal is without what it was promised. docs/runbooks/relay-audit-finding.md'
    query: '${lines} | where tostring(line.msg) == "audit.found"'
    severity: 1
    threshold: 2
    operator: 'GreaterThan'
  }
  {
    name: 'relay-config-refused'
    description: 'A change of the config was refused. docs/runbooks/relay-config-refused.md'
    query: '${lines} | where tostring(line.msg) == "config.refused"'
    severity: 2
    threshold: 0
    operator: 'GreaterThan'
  }
  {
    name: 'relay-orphaned-deliveries'
    description: 'Open deliveries belong to destinations that the config no longer names. docs/runbooks/relay-orphaned-deliveries.md'
    query: '${lines} | where tostring(line.msg) == "destination.orphaned"'
    severity: 2
    threshold: 0
    operator: 'GreaterThan'
  }
]

resource alerts 'Microsoft.Insights/scheduledQueryRules@2022-06-15' = [for rule in rules: {
  name: rule.name
  location: location
  tags: tags
  properties: {
    displayName: rule.name
    description: rule.description
    enabled: true
    severity: rule.severity
    scopes: [
      workspaceId
    ]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT10M'
    autoMitigate: true
    criteria: {
      allOf: [
        {
          query: rule.query
          timeAggregation: 'Count'
          operator: rule.operator
          threshold: rule.threshold
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    actions: {
      actionGroups: [
        actionGroupId
      ]
    }
  }
}]
