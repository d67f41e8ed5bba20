metadata description = 'The three rules that Azure recommends for Container Registry. They overlap on purpose: the relay folds what arrives twice.'

@description('Start of every rule name.')
param namePrefix string

@description('Regions in which production registries and their replicas are, for example West Europe.')
param productionRegions array

@description('Resource id of the action group.')
param actionGroupId string

@description('Tags of the resources.')
param tags object = {}

var services = [
  'Container Registry'
]

module productionCritical 'service-health-rule.bicep' = {
  name: 'acr-production-critical'
  params: {
    name: '${namePrefix}-acr-production-critical'
    ruleDescription: 'Container Registry: service issues and security advisories in the production regions.'
    services: services
    regions: productionRegions
    incidentTypes: [
      'Incident'
      'Security'
    ]
    actionGroupId: actionGroupId
    tags: tags
  }
}

module maintenanceAwareness 'service-health-rule.bicep' = {
  name: 'acr-maintenance-awareness'
  params: {
    name: '${namePrefix}-acr-maintenance-awareness'
    ruleDescription: 'Container Registry: planned maintenance in all regions.'
    services: services
    incidentTypes: [
      'Maintenance'
    ]
    actionGroupId: actionGroupId
    tags: tags
  }
}

module comprehensive 'service-health-rule.bicep' = {
  name: 'acr-comprehensive'
  params: {
    name: '${namePrefix}-acr-comprehensive'
    ruleDescription: 'Container Registry: every event type in all regions.'
    services: services
    actionGroupId: actionGroupId
    tags: tags
  }
}
