using 'main.bicep'

param location = 'westeurope'
param receiverUrl = 'https://relay.example/v1/receivers/azure-monitor'
param entraObjectId = '00000000-0000-0000-0000-000000000000'
param entraIdentifierUri = 'api://00000000-0000-0000-0000-000000000000'
param eventHubsExportRuleId = '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-relay/providers/Microsoft.EventHub/namespaces/evhns-relay/authorizationRules/activity-log-export'
