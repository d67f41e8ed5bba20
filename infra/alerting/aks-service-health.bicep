metadata description = 'Service Health of Azure Kubernetes Service: every event type, version support notices included.'

@description('Start of the rule name.')
param namePrefix string

@description('Regions of the clusters, for example West Europe. Empty: all regions.')
param regions array = []

@description('Name of the service as the Resource Health metadata lists it. Compare before the first deployment: a name that does not match never fires.')
param serviceName string = 'Azure Kubernetes Service (AKS)'

@description('Resource id of the action group.')
param actionGroupId string

@description('Tags of the resources.')
param tags object = {}

module rule 'service-health-rule.bicep' = {
  name: 'aks-service-health'
  params: {
    name: '${namePrefix}-aks-service-health'
    ruleDescription: 'Azure Kubernetes Service: every event type in the regions of the clusters.'
    services: [
      serviceName
    ]
    regions: regions
    actionGroupId: actionGroupId
    tags: tags
  }
}
