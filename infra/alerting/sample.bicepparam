using 'main.bicep'

// A copy of this file with your values, kept out of the repository, is what `az deployment group create` is given.
param webhookUrl = readEnvironmentVariable('RELAY_WEBHOOK_URL', 'https://relay.example/v1/receivers/azure-monitor?token=from-the-environment')
param productionRegions = [
  'West Europe'
  'North Europe'
]
param aksClusterIds = [
  '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-prod/providers/Microsoft.ContainerService/managedClusters/prod'
]
param registryIds = [
  '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-prod/providers/Microsoft.ContainerRegistry/registries/contosoregistry'
]
param logAnalyticsWorkspaceId = '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-prod/providers/Microsoft.OperationalInsights/workspaces/log-prod'
param logAnalyticsLocation = 'westeurope'
