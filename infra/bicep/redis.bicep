metadata description = 'Azure Managed Redis: the bell of the queue. Nothing is lost with it, so it has no persistence; Postgres is the truth.'

@description('Region of the resource.')
param location string

@description('Name of the cluster, unique in Azure.')
param name string

@description('Subnet of the private endpoint.')
param subnetId string

@description('Private name zone of Redis.')
param privateZoneId string

@description('Vault that gets the connection string.')
param keyVaultName string

@description('Size; the queue holds one small job per destination with work.')
param skuName string = 'Balanced_B0'

@description('Enabled: a replica in another zone.')
@allowed([
  'Disabled'
  'Enabled'
])
param highAvailability string = 'Enabled'

@description('Tags of the resources.')
param tags object

resource cluster 'Microsoft.Cache/redisEnterprise@2025-07-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: skuName
  }
  properties: {
    minimumTlsVersion: '1.2'
    highAvailability: highAvailability
    publicNetworkAccess: 'Disabled'
  }
}

resource database 'Microsoft.Cache/redisEnterprise/databases@2025-07-01' = {
  parent: cluster
  name: 'default'
  properties: {
    clientProtocol: 'Encrypted'
    port: 10000
    // BullMQ's scripts touch several keys at once, which a sharded database refuses.
    clusteringPolicy: 'NoCluster'
    // BullMQ needs it: an evicted key is a lost job.
    evictionPolicy: 'NoEviction'
    // The relay takes a password; Entra tokens for Redis are not built.
    accessKeysAuthentication: 'Enabled'
  }
}

resource endpoint 'Microsoft.Network/privateEndpoints@2024-07-01' = {
  name: 'pe-${name}'
  location: location
  tags: tags
  properties: {
    subnet: {
      id: subnetId
    }
    privateLinkServiceConnections: [
      {
        name: 'redis'
        properties: {
          privateLinkServiceId: cluster.id
          groupIds: [
            'redisEnterprise'
          ]
        }
      }
    ]
  }
}

resource endpointZone 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-07-01' = {
  parent: endpoint
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [
      {
        name: 'redis'
        properties: {
          privateDnsZoneId: privateZoneId
        }
      }
    ]
  }
}

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: keyVaultName
}

resource redisUrl 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  parent: vault
  name: 'redis-url'
  properties: {
    value: 'rediss://:${uriComponent(database.listKeys().primaryKey)}@${cluster.properties.hostName}:10000'
  }
}
