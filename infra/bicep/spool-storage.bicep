metadata description = 'Azure Files share for the spool: takes signals while Postgres is away, and outlives every replica.'

@description('Region of the resource.')
param location string

@description('Name of the storage account, unique in Azure.')
@minLength(3)
@maxLength(24)
param name string

@description('Size limit of the share in GiB. A signal is a few KiB.')
@minValue(1)
@maxValue(5120)
param quotaGiB int = 16

@description('Redundancy; ZRS survives the loss of a zone.')
@allowed([
  'Standard_LRS'
  'Standard_ZRS'
])
param skuName string = 'Standard_ZRS'

@description('Tags of the resource.')
param tags object

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: skuName
  }
  properties: {
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    allowBlobPublicAccess: false
    // Container Apps mounts a share by account key; there is no identity-based mount.
    allowSharedKeyAccess: true
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
    enabledProtocols: 'SMB'
  }
}

@description('Name of the storage account.')
output accountName string = account.name

@description('Name of the share.')
output shareName string = share.name
