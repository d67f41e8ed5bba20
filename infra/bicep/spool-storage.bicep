metadata description = 'Azure Files share (NFS) for the spool: takes signals while Postgres is away, and outlives every replica.'

@description('Region of the resource.')
param location string

@description('Name of the storage account, unique in Azure.')
@minLength(3)
@maxLength(24)
param name string

@description('Subnet of the apps, the only one that may reach the share.')
param appsSubnetId string

@description('Size of the share in GiB; 100 is the least that a premium share has. A signal is a few KiB.')
@minValue(100)
@maxValue(1024)
param quotaGiB int = 100

@description('Redundancy; ZRS survives the loss of a zone.')
@allowed([
  'Premium_LRS'
  'Premium_ZRS'
])
param skuName string = 'Premium_ZRS'

@description('Tags of the resource.')
param tags object

// NFS and not SMB: replicas share the folder and hold file locks in it, which SMB mounts refuse or do not honour.
resource account 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  name: name
  location: location
  tags: tags
  kind: 'FileStorage'
  sku: {
    name: skuName
  }
  properties: {
    minimumTlsVersion: 'TLS1_2'
    // NFS has no HTTPS; it is protected by the network rule below.
    supportsHttpsTrafficOnly: false
    allowBlobPublicAccess: false
    allowSharedKeyAccess: false
    networkAcls: {
      bypass: 'None'
      defaultAction: 'Deny'
      virtualNetworkRules: [
        {
          id: appsSubnetId
          action: 'Allow'
        }
      ]
    }
  }
}

resource files 'Microsoft.Storage/storageAccounts/fileServices@2025-01-01' = {
  parent: account
  name: 'default'
}

resource share 'Microsoft.Storage/storageAccounts/fileServices/shares@2025-01-01' = {
  parent: files
  name: 'spool'
  properties: {
    shareQuota: quotaGiB
    enabledProtocols: 'NFS'
    rootSquash: 'NoRootSquash'
  }
}

@description('Host that serves the share.')
output host string = replace(replace(account.properties.primaryEndpoints.file, 'https://', ''), '/', '')

@description('Path of the share on that host.')
output sharePath string = '/${account.name}/${share.name}'
