metadata description = 'Log alert on failing pulls and logins: server errors and throttling, one alert per registry and region.'

@description('Start of the rule name.')
param namePrefix string

@description('Region of the Log Analytics workspace.')
param location string

@description('Resource id of the Log Analytics workspace that gets the logs of the registries.')
param workspaceId string

@description('Failures within five minutes that raise the alert.')
@minValue(0)
param failureThreshold int = 10

@description('Severity, 0 (worst) to 4.')
@minValue(0)
@maxValue(4)
param severity int = 1

@description('Resource id of the action group.')
param actionGroupId string

@description('Tags of the resource.')
param tags object = {}

// Result descriptions are HTTP codes as text. A denied login (401, 403) is the caller's fault and is left out.
var query = '''
union isfuzzy=true
    (ContainerRegistryRepositoryEvents | where OperationName =~ "Pull"),
    (ContainerRegistryLoginEvents)
| where ResultDescription startswith "5" or ResultDescription == "429"
| project TimeGenerated, _ResourceId, Region, OperationName, ResultDescription
'''

resource rule 'Microsoft.Insights/scheduledQueryRules@2022-06-15' = {
  name: '${namePrefix}-acr-pull-failures'
  location: location
  tags: tags
  properties: {
    displayName: 'Container Registry: pulls or logins fail'
    description: 'More than ${failureThreshold} pulls or logins failed with a server error or were throttled within five minutes.'
    enabled: true
    severity: severity
    scopes: [
      workspaceId
    ]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT5M'
    autoMitigate: true
    criteria: {
      allOf: [
        {
          query: query
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: failureThreshold
          resourceIdColumn: '_ResourceId'
          dimensions: [
            {
              name: 'Region'
              operator: 'Include'
              values: [
                '*'
              ]
            }
          ]
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
}
