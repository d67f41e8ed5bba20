metadata description = 'Resource Health of the AKS clusters of the subscription. Registries have no resource health: Container Registry is not among the supported types.'

@description('Start of the rule name.')
param namePrefix string

@description('Resource id of the action group.')
param actionGroupId string

@description('Tags of the resource.')
param tags object = {}

// Resolved is in the list so that the relay is told the end; the usual template asks for Active only.
var statuses = [
  'Active'
  'InProgress'
  'Updated'
  'Resolved'
]

var statusLeaves = [
  for status in statuses: {
    field: 'status'
    equals: status
  }
]

resource rule 'Microsoft.Insights/activityLogAlerts@2020-10-01' = {
  name: '${namePrefix}-aks-resource-health'
  location: 'Global'
  tags: tags
  properties: {
    description: 'AKS clusters: every change of resource health, the end included.'
    enabled: true
    scopes: [
      subscription().id
    ]
    condition: {
      allOf: [
        {
          field: 'category'
          equals: 'ResourceHealth'
        }
        {
          field: 'resourceType'
          equals: 'Microsoft.ContainerService/managedClusters'
        }
        {
          anyOf: statusLeaves
        }
      ]
    }
    actions: {
      actionGroups: [
        {
          actionGroupId: actionGroupId
        }
      ]
    }
  }
}
