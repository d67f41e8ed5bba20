metadata description = 'The relay on Azure Container Apps. Deployed in two steps: first without an image (stores, vault, identity), then, with the secrets in the vault, with one.'

targetScope = 'subscription'

@description('An environment variable filled from a secret of the vault.')
type secretVariable = {
  @description('Name of the environment variable, as relay-azure.yaml writes it between braces.')
  variable: string

  @description('Name of the secret in the vault.')
  secret: string
}

@description('Name of this installation; part of every resource name.')
@minLength(3)
@maxLength(16)
param environmentName string

@description('Azure region. Better not the region whose outages you most need to hear of.')
param location string

@description('Image with registry, name and tag or digest. Empty: everything but the two apps.')
param image string = ''

@description('Existing registry of the image, in this subscription. Empty: the image is public.')
param registryName string = ''

@description('Resource group of that registry. Empty: the group of this installation.')
param registryResourceGroup string = ''

@description('Object id of the person or pipeline that puts secrets into the vault. Empty: nobody is given that role.')
param principalId string = ''

@description('Mail address that Azure itself tells when the relay cannot take signals.')
param operatorEmail string

@description('Variables of relay-azure.yaml that come from the vault.')
param secretVariables secretVariable[] = []

@description('True: Azure Managed Redis carries the queue. False: Postgres does, which is one service less to run.')
param useRedis bool = true

@description('False in regions without availability zones.')
param zoneRedundant bool = true

@description('Compute size of Postgres, of the tier GeneralPurpose.')
param postgresSkuName string = 'Standard_D2ds_v5'

@description('Replicas of the api at most.')
@minValue(2)
param apiReplicasMax int = 6

@description('Replicas of the worker at most.')
@minValue(1)
param workerReplicasMax int = 6

@description('True: traces of every alert go to Application Insights.')
param traces bool = true

@description('Tags of all resources.')
param tags object = {}

var relayConfig = loadTextContent('relay-azure.yaml')
var allTags = union(tags, {
  'azd-env-name': environmentName
  application: 'health-relay'
})
var groupName = 'rg-${environmentName}'
var unique = uniqueString(subscription().id, environmentName, location)
// Names without dashes where dashes are not allowed, and within 24 characters.
var vaultName = take('kv-${environmentName}-${unique}', 24)
var storageName = take('st${replace(toLower(environmentName), '-', '')}${unique}', 24)

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: groupName
  location: location
  tags: allTags
}

module identity 'identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    location: location
    environmentName: environmentName
    tags: allTags
  }
}

module network 'network.bicep' = {
  name: 'network'
  scope: group
  params: {
    location: location
    environmentName: environmentName
    tags: allTags
  }
}

module observability 'observability.bicep' = {
  name: 'observability'
  scope: group
  params: {
    location: location
    environmentName: environmentName
    tags: allTags
  }
}

module keyVault 'key-vault.bicep' = {
  name: 'key-vault'
  scope: group
  params: {
    location: location
    name: vaultName
    readerPrincipalId: identity.outputs.principalId
    officerPrincipalId: principalId
    tags: allTags
  }
}

module postgres 'postgres.bicep' = {
  name: 'postgres'
  scope: group
  params: {
    location: location
    name: 'psql-${environmentName}-${unique}'
    subnetId: network.outputs.postgresSubnetId
    privateZoneId: network.outputs.postgresZoneId
    identityName: identity.outputs.name
    identityPrincipalId: identity.outputs.principalId
    skuName: postgresSkuName
    highAvailability: zoneRedundant ? 'ZoneRedundant' : 'Disabled'
    tags: allTags
  }
}

module redis 'redis.bicep' = if (useRedis) {
  name: 'redis'
  scope: group
  params: {
    location: location
    name: 'redis-${environmentName}-${unique}'
    subnetId: network.outputs.endpointsSubnetId
    privateZoneId: network.outputs.redisZoneId
    identityPrincipalId: identity.outputs.principalId
    tags: allTags
  }
}

module eventHubs 'event-hubs.bicep' = {
  name: 'event-hubs'
  scope: group
  params: {
    location: location
    name: 'evhns-${environmentName}-${unique}'
    receiverPrincipalId: identity.outputs.principalId
    tags: allTags
  }
}

module spoolStorage 'spool-storage.bicep' = {
  name: 'spool-storage'
  scope: group
  params: {
    location: location
    name: storageName
    appsSubnetId: network.outputs.appsSubnetId
    skuName: zoneRedundant ? 'Premium_ZRS' : 'Premium_LRS'
    tags: allTags
  }
}

module containerEnvironment 'environment.bicep' = {
  name: 'environment'
  scope: group
  params: {
    location: location
    environmentName: environmentName
    subnetId: network.outputs.appsSubnetId
    workspaceName: observability.outputs.workspaceName
    spoolHost: spoolStorage.outputs.host
    spoolSharePath: spoolStorage.outputs.sharePath
    zoneRedundant: zoneRedundant
    tags: allTags
  }
}

module registryAccess 'registry-access.bicep' = if (!empty(registryName)) {
  name: 'registry-access'
  // a scope must be a real name even when the condition is false
  scope: resourceGroup(empty(registryResourceGroup) ? groupName : registryResourceGroup)
  params: {
    registryName: registryName
    principalId: identity.outputs.principalId
  }
}

module api 'app.bicep' = if (!empty(image)) {
  name: 'api'
  scope: group
  params: {
    location: location
    environmentName: environmentName
    role: 'api'
    environmentId: containerEnvironment.outputs.id
    image: image
    registryServer: empty(registryName) ? '' : registryAccess!.outputs.loginServer
    identityId: identity.outputs.id
    identityPrincipalId: identity.outputs.principalId
    identityClientId: identity.outputs.clientId
    keyVaultUri: keyVault.outputs.uri
    relayConfig: relayConfig
    secretVariables: secretVariables
    eventHubsHost: eventHubs.outputs.host
    databaseHost: postgres.outputs.host
    databaseUser: postgres.outputs.user
    databaseName: postgres.outputs.database
    redisAddress: useRedis ? '${redis!.outputs.host}:${redis!.outputs.port}' : ''
    insightsName: observability.outputs.insightsName
    traces: traces
    spoolStorageName: containerEnvironment.outputs.spoolStorageName
    // two, so that a replica that moves or is updated never leaves Azure without an answer
    minReplicas: 2
    maxReplicas: apiReplicasMax
    tags: allTags
  }
}

module worker 'app.bicep' = if (!empty(image)) {
  name: 'worker'
  scope: group
  params: {
    location: location
    environmentName: environmentName
    role: 'worker'
    environmentId: containerEnvironment.outputs.id
    image: image
    registryServer: empty(registryName) ? '' : registryAccess!.outputs.loginServer
    identityId: identity.outputs.id
    identityPrincipalId: identity.outputs.principalId
    identityClientId: identity.outputs.clientId
    keyVaultUri: keyVault.outputs.uri
    relayConfig: relayConfig
    secretVariables: secretVariables
    eventHubsHost: eventHubs.outputs.host
    databaseHost: postgres.outputs.host
    databaseUser: postgres.outputs.user
    databaseName: postgres.outputs.database
    redisAddress: useRedis ? '${redis!.outputs.host}:${redis!.outputs.port}' : ''
    insightsName: observability.outputs.insightsName
    traces: traces
    spoolStorageName: containerEnvironment.outputs.spoolStorageName
    minReplicas: 1
    maxReplicas: workerReplicasMax
    tags: allTags
  }
}

module watch 'watch.bicep' = if (!empty(image)) {
  name: 'watch'
  scope: group
  params: {
    location: location
    environmentName: environmentName
    insightsId: observability.outputs.insightsId
    relayUrl: 'https://${api!.outputs.host}'
    operatorEmail: operatorEmail
    tags: allTags
  }
}

@description('Address of the relay: the receiver of action groups is at /v1/receivers/azure-monitor. Empty until there is an image.')
output RELAY_URL string = empty(image) ? '' : 'https://${api!.outputs.host}'

@description('Vault that waits for the secrets of relay-azure.yaml.')
output AZURE_KEY_VAULT_NAME string = keyVault.outputs.name

@description('Resource group of the installation.')
output AZURE_RESOURCE_GROUP string = group.name

@description('Rule that a diagnostic setting of an activity log exports with.')
output EVENT_HUBS_EXPORT_RULE_ID string = eventHubs.outputs.exportRuleId

@description('Hub that a diagnostic setting of an activity log exports to.')
output EVENT_HUBS_HUB_NAME string = eventHubs.outputs.hubName
