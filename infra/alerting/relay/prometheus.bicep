metadata description = 'The alert rules of rules.yaml in Azure Monitor managed Prometheus. Something must scrape /metrics into the workspace first.'

@description('Region of the rule groups; that of the workspace.')
param location string = resourceGroup().location

@description('Resource id of the Azure Monitor workspace that holds the metrics of the relay.')
param monitorWorkspaceId string

@description('Action group that is told. Not one that goes through the relay: it would have to report its own absence.')
param actionGroupId string

@description('Address below which docs/runbooks is found, without a closing slash; empty leaves the path as it is.')
param runbooksUrl string = ''

@description('Tags of the resources.')
param tags object = {}

var file = loadYamlContent('rules.yaml')

// Azure counts from 0, the most severe.
var severities = {
  critical: 1
  warning: 2
  info: 3
}

resource groups 'Microsoft.AlertsManagement/prometheusRuleGroups@2023-03-01' = [for group in file.groups: {
  name: group.name
  location: location
  tags: tags
  properties: {
    description: 'Watches the health relay itself'
    enabled: true
    interval: 'PT${toUpper(group.interval)}'
    scopes: [
      monitorWorkspaceId
    ]
    rules: [for rule in group.rules: {
      alert: rule.alert
      enabled: true
      expression: rule.expr
      // `1m` is `PT1M`; a rule without `for` fires at once.
      for: 'PT${toUpper(rule.?for ?? '0m')}'
      severity: severities[rule.labels.severity]
      annotations: {
        summary: rule.annotations.summary
        runbook: empty(runbooksUrl) ? rule.annotations.runbook : '${runbooksUrl}/${last(split(rule.annotations.runbook, '/'))}'
      }
      actions: [
        {
          actionGroupId: actionGroupId
        }
      ]
      resolveConfiguration: {
        autoResolved: true
        timeToResolve: 'PT5M'
      }
    }]
  }
}]
