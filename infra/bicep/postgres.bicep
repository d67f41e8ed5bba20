metadata description = 'Postgres flexible server: the truth of the relay. Reached from the virtual network only.'

@description('Region of the resource.')
param location string

@description('Name of the server, unique in Azure.')
param name string

@description('Subnet delegated to Postgres.')
param subnetId string

@description('Private name zone of Postgres.')
param privateZoneId string

@description('Vault that gets the connection strings.')
param keyVaultName string

@description('Password of the administrator, as whom the relay connects: it takes a password, Entra tokens for Postgres are not built.')
@secure()
param administratorPassword string

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

var login = 'relay'
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
    administratorLogin: login
    administratorLoginPassword: administratorPassword
    authConfig: {
      activeDirectoryAuth: 'Disabled'
      passwordAuth: 'Enabled'
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

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: keyVaultName
}

var address = '${login}:${uriComponent(administratorPassword)}@${server.properties.fullyQualifiedDomainName}:5432/${databaseName}'

// Two strings, since the two readers differ: the relay checks the certificate of the server against the roots that Node
// ships, the scaler of Container Apps has its own roots and is only asked to encrypt.
resource databaseUrl 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  parent: vault
  name: 'database-url'
  properties: {
    value: 'postgresql://${address}?sslmode=verify-full'
  }
  dependsOn: [
    database
  ]
}

resource databaseScalerUrl 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  parent: vault
  name: 'database-scaler-url'
  properties: {
    value: 'postgresql://${address}?sslmode=require'
  }
  dependsOn: [
    database
  ]
}

// azd reads it back at the next deployment, so that the password stays the same (main.parameters.json).
resource password 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  parent: vault
  name: 'databasePassword'
  properties: {
    value: administratorPassword
  }
}
