metadata description = 'Azure Managed Redis: the bell of the queue. Nothing is lost with it, so it has no persistence; Postgres is the truth.'

@description('Region of the resource.')
param location string

@description('Name of the cluster, unique in Azure.')
param name string

@description('Subnet of the private endpoint.')
param subnetId string

@description('Private name zone of Redis.')
param privateZoneId string

@description('Object id of the managed identity that signs in with Entra tokens; nobody else can.')
param identityPrincipalId string

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
    accessKeysAuthentication: 'Disabled'
  }
}

// `default` is the policy that there is: every command on every key.
resource access 'Microsoft.Cache/redisEnterprise/databases/accessPolicyAssignments@2025-07-01' = {
  parent: database
  name: 'relay'
  properties: {
    accessPolicyName: 'default'
    user: {
      objectId: identityPrincipalId
    }
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

@description('Host name of the cluster.')
output host string = cluster.properties.hostName

@description('Port of the database; it takes TLS only.')
output port int = database.properties.port
