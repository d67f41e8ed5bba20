metadata description = 'Everything one subscription needs to tell the relay about Container Registry and AKS. Deploy it once per subscription, or use infra/policy for a whole management group.'

targetScope = 'resourceGroup'

@description('Start of every resource name.')
@minLength(2)
@maxLength(20)
param namePrefix string = 'health-relay'

@description('Address of the receiver, with its token unless the secure webhook is used: https://relay.example/v1/receivers/azure-monitor?token=... Empty: no webhook; then eventHubsExportRuleId must be given.')
@secure()
param webhookUrl string

@description('Resource id of the rule of the relay\'s event hub (output EVENT_HUBS_EXPORT_RULE_ID of infra/bicep). The action group then sends there as well, and the activity log is exported there. Empty: neither.')
param eventHubsExportRuleId string = ''

@description('Hub in that namespace.')
param eventHubName string = 'activity'

@description('Secure webhook: object id of the Entra application that stands for the relay. Empty: the token in the address is the proof.')
param entraObjectId string = ''

@description('Secure webhook: application id URI of that application.')
param entraIdentifierUri string = ''

@description('Regions in which production runs, as Service Health writes them, for example West Europe.')
@minLength(1)
param productionRegions array

@description('Resource ids of the AKS clusters of this subscription that get metric alerts.')
param aksClusterIds array = []

@description('Resource ids of the registries of this subscription that get a metric alert and, with a workspace, a diagnostic setting.')
param registryIds array = []

@description('Resource id of a Log Analytics workspace. Empty: no alert on pull failures, which are only to be seen in logs.')
param logAnalyticsWorkspaceId string = ''

@description('Region of that workspace.')
param logAnalyticsLocation string = resourceGroup().location

@description('Tags of all resources.')
param tags object = {}

// /subscriptions/<2>/resourceGroups/<4>/providers/Microsoft.EventHub/namespaces/<8>/authorizationRules/<10>
var exportRule = split(eventHubsExportRuleId, '/')
var useEventHubs = !empty(eventHubsExportRuleId)

module actionGroup 'action-group.bicep' = {
  name: 'action-group'
  params: {
    name: '${namePrefix}-action-group'
    shortName: 'healthrelay'
    webhookUrl: webhookUrl
    eventHubsSubscriptionId: useEventHubs ? exportRule[2] : ''
    eventHubsNamespace: useEventHubs ? exportRule[8] : ''
    eventHubName: eventHubName
    entraObjectId: entraObjectId
    entraIdentifierUri: entraIdentifierUri
    tags: tags
  }
}

module acrServiceHealth 'acr-service-health.bicep' = {
  name: 'acr-service-health'
  params: {
    namePrefix: namePrefix
    productionRegions: productionRegions
    actionGroupId: actionGroup.outputs.id
    tags: tags
  }
}

module aksServiceHealth 'aks-service-health.bicep' = {
  name: 'aks-service-health-rules'
  params: {
    namePrefix: namePrefix
    regions: productionRegions
    actionGroupId: actionGroup.outputs.id
    tags: tags
  }
}

module aksResourceHealth 'aks-resource-health.bicep' = {
  name: 'aks-resource-health'
  params: {
    namePrefix: namePrefix
    actionGroupId: actionGroup.outputs.id
    tags: tags
  }
}

module aksMetrics 'aks-metrics.bicep' = [
  for (clusterId, i) in aksClusterIds: {
    name: 'aks-metrics-${i}'
    params: {
      namePrefix: namePrefix
      clusterId: clusterId
      actionGroupId: actionGroup.outputs.id
      tags: tags
    }
  }
]

module acrMetrics 'acr-metrics.bicep' = [
  for (registryId, i) in registryIds: {
    name: 'acr-metrics-${i}'
    params: {
      namePrefix: namePrefix
      registryId: registryId
      actionGroupId: actionGroup.outputs.id
      tags: tags
    }
  }
]

// A diagnostic setting lives at its registry, which may be in any resource group of the subscription.
module acrDiagnostics 'acr-diagnostics.bicep' = [
  for (registryId, i) in registryIds: if (!empty(logAnalyticsWorkspaceId)) {
    name: 'acr-diagnostics-${i}'
    scope: resourceGroup(split(registryId, '/')[4])
    params: {
      registryName: last(split(registryId, '/'))
      workspaceId: logAnalyticsWorkspaceId
    }
  }
]

module acrPullFailures 'acr-pull-failures.bicep' = if (!empty(logAnalyticsWorkspaceId)) {
  name: 'acr-pull-failures'
  params: {
    namePrefix: namePrefix
    location: logAnalyticsLocation
    workspaceId: logAnalyticsWorkspaceId
    actionGroupId: actionGroup.outputs.id
    tags: tags
  }
}

module activityLogExport 'activity-log-export.bicep' = if (useEventHubs) {
  name: 'health-relay-activity-log-export'
  scope: subscription()
  params: {
    exportRuleId: eventHubsExportRuleId
    hubName: eventHubName
  }
}

@description('Resource id of the action group, for rules of your own.')
output actionGroupId string = actionGroup.outputs.id
