metadata description = 'Event Hubs: the second way in, for exported activity logs and for action groups behind a network boundary. The relay reads, and its canary sends, by managed identity.'

@description('Region of the resource.')
param location string

@description('Name of the namespace, unique in Azure.')
param name string

@description('Object id of the identity of the relay.')
param receiverPrincipalId string

@description('Partitions; as many api replicas can share the work.')
@minValue(1)
@maxValue(32)
param partitionCount int = 4

@description('Hours that events are kept: how long the relay may be away without losing one.')
@minValue(1)
@maxValue(168)
param retentionHours int = 168

@description('Tags of the resource.')
param tags object

var hubName = 'activity'
var consumerGroupName = 'relay'
var dataReceiverRoleId = 'a638d3c7-ab3a-418d-83e6-5f17a39d4fde'
var dataSenderRoleId = '2b629674-e913-4c01-ae53-ef4638d8f975'

resource namespace 'Microsoft.EventHub/namespaces@2024-01-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: 'Standard'
    tier: 'Standard'
    capacity: 1
  }
  properties: {
    minimumTlsVersion: '1.2'
    isAutoInflateEnabled: true
    maximumThroughputUnits: 4
    // A diagnostic setting of the activity log authenticates by the rule below, so keys cannot be turned off.
    disableLocalAuth: false
  }
}

resource hub 'Microsoft.EventHub/namespaces/eventhubs@2024-01-01' = {
  parent: namespace
  name: hubName
  properties: {
    partitionCount: partitionCount
    retentionDescription: {
      cleanupPolicy: 'Delete'
      retentionTimeInHours: retentionHours
    }
  }
}

resource consumerGroup 'Microsoft.EventHub/namespaces/eventhubs/consumergroups@2024-01-01' = {
  parent: hub
  name: consumerGroupName
}

// Azure Monitor asks for all three rights on the rule it exports with.
resource exportRule 'Microsoft.EventHub/namespaces/authorizationRules@2024-01-01' = {
  parent: namespace
  name: 'activity-log-export'
  properties: {
    rights: [
      'Listen'
      'Send'
      'Manage'
    ]
  }
}

resource receiver 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hub.id, receiverPrincipalId, dataReceiverRoleId)
  scope: hub
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', dataReceiverRoleId)
    principalId: receiverPrincipalId
    principalType: 'ServicePrincipal'
  }
}

// The canary of the relay enters by the hub as well.
resource sender 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hub.id, receiverPrincipalId, dataSenderRoleId)
  scope: hub
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', dataSenderRoleId)
    principalId: receiverPrincipalId
    principalType: 'ServicePrincipal'
  }
}

@description('Host name of the namespace.')
output host string = '${namespace.name}.servicebus.windows.net'

@description('Name of the hub.')
output hubName string = hub.name

@description('Name of the consumer group of the relay.')
output consumerGroupName string = consumerGroup.name

@description('Resource id of the rule that a diagnostic setting of the activity log exports with.')
output exportRuleId string = exportRule.id
