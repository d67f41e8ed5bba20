metadata description = 'Container Apps environment in the virtual network, with the spool share made known to it.'

@description('Region of the resource.')
param location string

@description('Part of the resource name.')
param environmentName string

@description('Subnet delegated to Container Apps.')
param subnetId string

@description('Log Analytics workspace in the same resource group.')
param workspaceName string

@description('Host that serves the share of the spool.')
param spoolHost string

@description('Path of the share on that host.')
param spoolSharePath string

@description('Spread the replicas over zones. False in regions without zones.')
param zoneRedundant bool = true

@description('Tags of the resource.')
param tags object

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-02-01' existing = {
  name: workspaceName
}

resource managedEnvironment 'Microsoft.App/managedEnvironments@2025-01-01' = {
  name: 'cae-${environmentName}'
  location: location
  tags: tags
  properties: {
    zoneRedundant: zoneRedundant
    vnetConfiguration: {
      infrastructureSubnetId: subnetId
      // Action groups call from the public internet; they have no private link.
      internal: false
    }
    workloadProfiles: [
      {
        name: 'Consumption'
        workloadProfileType: 'Consumption'
      }
    ]
    appLogsConfiguration: {
      destination: 'log-analytics'
      logAnalyticsConfiguration: {
        customerId: workspace.properties.customerId
        sharedKey: workspace.listKeys().primarySharedKey
      }
    }
  }
}

resource spool 'Microsoft.App/managedEnvironments/storages@2025-01-01' = {
  parent: managedEnvironment
  name: 'spool'
  properties: {
    nfsAzureFile: {
      server: spoolHost
      shareName: spoolSharePath
      accessMode: 'ReadWrite'
    }
  }
}

@description('Resource id of the environment.')
output id string = managedEnvironment.id

@description('Name under which the environment knows the spool share.')
output spoolStorageName string = spool.name

@description('Host name suffix of the apps.')
output defaultDomain string = managedEnvironment.properties.defaultDomain
