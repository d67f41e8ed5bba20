metadata description = 'Postgres flexible server: the truth of the relay. Reached from the virtual network only.'

@description('Region of the resource.')
param location string

@description('Name of the server, unique in Azure.')
param name string

@description('Subnet delegated to Postgres.')
param subnetId string

@description('Private name zone of Postgres.')
param privateZoneId string

@description('Name of the managed identity that signs in with Entra tokens; nobody else can.')
param identityName string

@description('Object id of that identity.')
param identityPrincipalId string

@description('Compute size; two cores are ample for thousands of signals a minute.')
param skuName string = 'Standard_D2ds_v5'

@description('Pricing tier that the size belongs to. High availability needs GeneralPurpose or MemoryOptimized.')
@allowed([
  'Burstable'
  'GeneralPurpose'
  'MemoryOptimized'
])
param skuTier string = 'GeneralPurpose'

@description('ZoneRedundant: a standby in another zone. Disabled for a try-out, and in regions without zones.')
@allowed([
  'Disabled'
  'SameZone'
  'ZoneRedundant'
])
param highAvailability string = 'ZoneRedundant'

@description('Days that point-in-time restore reaches back.')
@minValue(7)
@maxValue(35)
param backupRetentionDays int = 14

@description('Tags of the resource.')
param tags object

var databaseName = 'relay'

resource server 'Microsoft.DBforPostgreSQL/flexibleServers@2025-08-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: skuName
    tier: skuTier
  }
  properties: {
    version: '17'
    authConfig: {
      activeDirectoryAuth: 'Enabled'
      passwordAuth: 'Disabled'
      tenantId: tenant().tenantId
    }
    network: {
      delegatedSubnetResourceId: subnetId
      privateDnsZoneArmResourceId: privateZoneId
      publicNetworkAccess: 'Disabled'
    }
    storage: {
      storageSizeGB: 64
      autoGrow: 'Enabled'
    }
    backup: {
      backupRetentionDays: backupRetentionDays
      geoRedundantBackup: 'Disabled'
    }
    highAvailability: {
      mode: highAvailability
    }
  }
}

resource database 'Microsoft.DBforPostgreSQL/flexibleServers/databases@2025-08-01' = {
  parent: server
  name: databaseName
  properties: {
    charset: 'UTF8'
    collation: 'en_US.utf8'
  }
}

// The owner of the tables, so that the relay can migrate them. One change at a time: the server refuses a second one meanwhile.
resource administrator 'Microsoft.DBforPostgreSQL/flexibleServers/administrators@2025-08-01' = {
  parent: server
  name: identityPrincipalId
  properties: {
    principalName: identityName
    principalType: 'ServicePrincipal'
    tenantId: tenant().tenantId
  }
  dependsOn: [
    database
  ]
}

@description('Host name of the server.')
output host string = server.properties.fullyQualifiedDomainName

@description('User of the identity, as Postgres knows it.')
output user string = administrator.properties.principalName

@description('Name of the database.')
output database string = database.name
