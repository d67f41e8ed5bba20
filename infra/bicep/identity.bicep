metadata description = 'The managed identity of the relay: reads secrets, reads the event hub, pulls the image, signs in to Postgres and Redis.'

@description('Region of the resource.')
param location string

@description('Part of the resource name.')
param environmentName string

@description('Tags of the resource.')
param tags object

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-${environmentName}'
  location: location
  tags: tags
}

@description('Resource id of the identity.')
output id string = identity.id

@description('Name of the identity: its user in Postgres.')
output name string = identity.name

@description('Object id of the identity, for role assignments; its user in Redis.')
output principalId string = identity.properties.principalId

@description('Client id of the identity, for the Azure SDK.')
output clientId string = identity.properties.clientId
