metadata description = 'Metric alert of one registry: far fewer successful pulls than is usual at this time. Needs no logs, so it works before any diagnostic setting does.'

@description('Start of the rule name.')
param namePrefix string

@description('Resource id of the registry.')
param registryId string

@description('Severity, 0 (worst) to 4.')
@minValue(0)
@maxValue(4)
param severity int = 2

@description('Resource id of the action group.')
param actionGroupId string

@description('Tags of the resource.')
param tags object = {}

var registryName = last(split(registryId, '/'))

resource rule 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: '${namePrefix}-${registryName}-successful-pulls'
  location: 'global'
  tags: tags
  properties: {
    description: 'Successful pulls from ${registryName} are well below what is usual at this time.'
    enabled: true
    severity: severity
    scopes: [
      registryId
    ]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    autoMitigate: true
    criteria: {
      // a dynamic threshold exists in the multiple-resource form only, which takes a single resource too
      'odata.type': 'Microsoft.Azure.Monitor.MultipleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'DynamicThresholdCriterion'
          name: 'successful-pulls'
          metricName: 'SuccessfulPullCount'
          metricNamespace: 'Microsoft.ContainerRegistry/registries'
          timeAggregation: 'Total'
          operator: 'LessThan'
          alertSensitivity: 'Low'
          failingPeriods: {
            numberOfEvaluationPeriods: 4
            minFailingPeriodsToAlert: 3
          }
        }
      ]
    }
    actions: [
      {
        actionGroupId: actionGroupId
      }
    ]
  }
}
