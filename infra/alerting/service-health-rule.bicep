metadata description = 'One Service Health rule for the subscription of the deployment. The conditions are independent of each other: the relay checks the (service, region) pair again.'

@description('Name of the rule.')
param name string

@description('What the rule is for; Azure sends it along.')
param ruleDescription string

@description('Service names exactly as Service Health writes them. Empty: all services.')
param services array = []

@description('Region names exactly as Service Health writes them, for example West Europe. Empty: all regions.')
param regions array = []

@description('Event types: Incident, Security, Maintenance, ActionRequired, Informational. Empty: all types.')
param incidentTypes array = []

@description('Resource id of the action group.')
param actionGroupId string

@description('Tags of the resource.')
param tags object = {}

var category = [
  {
    field: 'category'
    equals: 'ServiceHealth'
  }
]

var typeLeaves = [
  for incidentType in incidentTypes: {
    field: 'properties.incidentType'
    equals: incidentType
  }
]

var typeCondition = empty(incidentTypes)
  ? []
  : [
      {
        anyOf: typeLeaves
      }
    ]

var serviceCondition = empty(services)
  ? []
  : [
      {
        field: 'properties.impactedServices[*].ServiceName'
        containsAny: services
      }
    ]

// An event of the whole platform names the region Global and nothing else: without it, a regional rule would miss it.
var regionCondition = empty(regions)
  ? []
  : [
      {
        field: 'properties.impactedServices[*].ImpactedRegions[*].RegionName'
        containsAny: union(regions, ['Global'])
      }
    ]

resource rule 'Microsoft.Insights/activityLogAlerts@2020-10-01' = {
  name: name
  location: 'Global'
  tags: tags
  properties: {
    description: ruleDescription
    enabled: true
    scopes: [
      subscription().id
    ]
    condition: {
      allOf: concat(category, typeCondition, serviceCondition, regionCondition)
    }
    actions: {
      actionGroups: [
        {
          actionGroupId: actionGroupId
        }
      ]
    }
  }
}

@description('Resource id of the rule.')
output id string = rule.id
