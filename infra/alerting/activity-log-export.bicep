metadata description = 'Exports the activity log of the subscription to the event hub of the relay: the way in that does not hang on action groups.'

targetScope = 'subscription'

@description('Resource id of the rule that the export signs in with: the output EVENT_HUBS_EXPORT_RULE_ID of infra/bicep.')
param exportRuleId string

@description('Hub that the export writes to.')
param hubName string

resource export 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'health-relay'
  properties: {
    eventHubAuthorizationRuleId: exportRuleId
    eventHubName: hubName
    logs: [
      {
        category: 'ServiceHealth'
        enabled: true
      }
      {
        category: 'ResourceHealth'
        enabled: true
      }
    ]
  }
}
