metadata description = 'The action group that brings every alert to the relay, in the common alert schema: by webhook, by event hub, or by both.'

@description('Name of the action group.')
param name string

@description('Short name, shown in test messages by Azure.')
@maxLength(12)
param shortName string

@description('Address of the receiver, with its token unless the secure webhook is used: https://relay.example/v1/receivers/azure-monitor?token=... Empty: no webhook.')
@secure()
param webhookUrl string

@description('Subscription of the Event Hubs namespace that the relay reads. Empty: no event hub.')
param eventHubsSubscriptionId string = ''

@description('Name of that namespace.')
param eventHubsNamespace string = ''

@description('Hub in it.')
param eventHubName string = ''

@description('Secure webhook: object id of the Entra application that stands for the relay. Empty: the token in the address is the proof.')
param entraObjectId string = ''

@description('Secure webhook: application id URI of that application, for example api://00000000-0000-0000-0000-000000000000.')
param entraIdentifierUri string = ''

@description('Secure webhook: tenant of that application.')
param entraTenantId string = tenant().tenantId

@description('Tags of the resource.')
param tags object = {}

var plainReceiver = {
  name: 'health-relay'
  serviceUri: webhookUrl
  useCommonAlertSchema: true
}

var secureReceiver = union(plainReceiver, {
  useAadAuth: true
  objectId: entraObjectId
  identifierUri: entraIdentifierUri
  tenantId: entraTenantId
})

var webhooks = empty(entraObjectId) ? [plainReceiver] : [secureReceiver]

// It works behind a network boundary, and what the relay cannot take now waits in the hub.
var hubReceiver = {
  name: 'health-relay-hub'
  subscriptionId: eventHubsSubscriptionId
  eventHubNameSpace: eventHubsNamespace
  eventHubName: eventHubName
  useCommonAlertSchema: true
}

resource actionGroup 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: name
  // Service Health rules only call action groups in the region Global, and those run from any region that is left.
  location: 'Global'
  tags: tags
  properties: {
    groupShortName: shortName
    enabled: true
    webhookReceivers: empty(webhookUrl) ? [] : webhooks
    eventHubReceivers: empty(eventHubsNamespace) ? [] : [hubReceiver]
  }
}

@description('Resource id of the action group.')
output id string = actionGroup.id
