metadata description = 'An initiative for a management group: every subscription in it, new ones included, gets a Service Health rule and a Resource Health rule that post to the relay, and exports its health events to the event hub of the relay.'

targetScope = 'managementGroup'

@description('Region of the identity of the assignment and of the resource groups it makes.')
param location string

@description('Start of every resource name.')
@minLength(2)
@maxLength(20)
param namePrefix string = 'health-relay'

@description('Resource group made in each subscription.')
param resourceGroupName string = 'rg-health-relay-alerts'

@description('Services exactly as Service Health writes them.')
@minLength(1)
param services array = [
  'Container Registry'
  'Azure Kubernetes Service (AKS)'
]

@description('Address of the receiver, without a token: https://relay.example/v1/receivers/azure-monitor. Policy parameters are no place for secrets, so only the secure webhook is offered.')
param receiverUrl string

@description('Object id of the Entra application that stands for the relay.')
param entraObjectId string

@description('Application id URI of that application.')
param entraIdentifierUri string

@description('Tenant of that application.')
param entraTenantId string = tenant().tenantId

@description('Resource id of the rule of the relay\'s event hub (output EVENT_HUBS_EXPORT_RULE_ID of infra/bicep). Empty: the activity log is not exported.')
param eventHubsExportRuleId string = ''

@description('Hub in that namespace.')
param eventHubName string = 'activity'

@description('Service Health rules. AuditIfNotExists shows what would be done without doing it.')
@allowed([
  'DeployIfNotExists'
  'AuditIfNotExists'
  'Disabled'
])
param serviceHealthEffect string = 'DeployIfNotExists'

@description('Resource Health rules of AKS clusters.')
@allowed([
  'DeployIfNotExists'
  'AuditIfNotExists'
  'Disabled'
])
param resourceHealthEffect string = 'DeployIfNotExists'

@description('Export of the activity log. Without eventHubsExportRuleId it is Disabled, whatever stands here.')
@allowed([
  'DeployIfNotExists'
  'AuditIfNotExists'
  'Disabled'
])
param activityLogExportEffect string = 'DeployIfNotExists'

var serviceHealthPolicy = loadJsonContent('service-health-policy.json')
var resourceHealthPolicy = loadJsonContent('resource-health-policy.json')
var activityLogExportPolicy = loadJsonContent('activity-log-export-policy.json')
// Contributor: the deployments make a resource group and list the keys of the export rule; the monitoring roles may do neither.
var contributorRoleId = 'b24988ac-6180-42a0-ab88-20f7382dd24c'
// Policy looks whether a rule is there, not whether it is today's. So each rule carries this as a tag: whoever has another one is non-compliant, and a remediation deploys anew.
var receiver = '${receiverUrl} ${entraObjectId} ${entraIdentifierUri} ${entraTenantId}'
var serviceHealthVersion = uniqueString(string(serviceHealthPolicy), string(services), receiver)
var resourceHealthVersion = uniqueString(string(resourceHealthPolicy), receiver)

resource serviceHealth 'Microsoft.Authorization/policyDefinitions@2025-01-01' = {
  name: '${namePrefix}-service-health'
  properties: {
    displayName: 'Service Health rule for the health relay'
    description: 'Deploys a Service Health rule and an action group that posts to the health relay.'
    policyType: 'Custom'
    mode: 'All'
    metadata: {
      category: 'Monitoring'
      version: '1.1.0'
    }
    parameters: serviceHealthPolicy.parameters
    policyRule: serviceHealthPolicy.policyRule
  }
}

resource resourceHealth 'Microsoft.Authorization/policyDefinitions@2025-01-01' = {
  name: '${namePrefix}-resource-health'
  properties: {
    displayName: 'Resource Health rule for the health relay'
    description: 'Deploys a Resource Health rule for AKS clusters and the same action group.'
    policyType: 'Custom'
    mode: 'All'
    metadata: {
      category: 'Monitoring'
      version: '1.0.0'
    }
    parameters: resourceHealthPolicy.parameters
    policyRule: resourceHealthPolicy.policyRule
  }
}

resource activityLogExport 'Microsoft.Authorization/policyDefinitions@2025-01-01' = {
  name: '${namePrefix}-activity-log-export'
  properties: {
    displayName: 'Export of health events to the health relay'
    description: 'Deploys a diagnostic setting that exports the categories ServiceHealth and ResourceHealth of the activity log to the event hub of the health relay.'
    policyType: 'Custom'
    mode: 'All'
    metadata: {
      category: 'Monitoring'
      version: '1.0.0'
    }
    parameters: activityLogExportPolicy.parameters
    policyRule: activityLogExportPolicy.policyRule
  }
}

resource initiative 'Microsoft.Authorization/policySetDefinitions@2025-01-01' = {
  name: namePrefix
  properties: {
    displayName: 'Azure health signals to the health relay'
    description: 'Service Health and Resource Health reach the relay from every subscription, by action group and by event hub.'
    policyType: 'Custom'
    metadata: {
      category: 'Monitoring'
      version: '1.0.0'
    }
    parameters: {
      serviceHealthEffect: serviceHealthPolicy.parameters.effect
      resourceHealthEffect: resourceHealthPolicy.parameters.effect
      activityLogExportEffect: activityLogExportPolicy.parameters.effect
      resourceGroupName: serviceHealthPolicy.parameters.resourceGroupName
      resourceGroupLocation: serviceHealthPolicy.parameters.resourceGroupLocation
      namePrefix: serviceHealthPolicy.parameters.namePrefix
      services: serviceHealthPolicy.parameters.services
      webhookUrl: serviceHealthPolicy.parameters.webhookUrl
      entraObjectId: serviceHealthPolicy.parameters.entraObjectId
      entraIdentifierUri: serviceHealthPolicy.parameters.entraIdentifierUri
      entraTenantId: serviceHealthPolicy.parameters.entraTenantId
      serviceHealthVersion: serviceHealthPolicy.parameters.ruleVersion
      resourceHealthVersion: resourceHealthPolicy.parameters.ruleVersion
      eventHubsExportRuleId: activityLogExportPolicy.parameters.eventHubsExportRuleId
      eventHubName: activityLogExportPolicy.parameters.eventHubName
    }
    policyDefinitions: [
      {
        policyDefinitionId: serviceHealth.id
        policyDefinitionReferenceId: 'service-health'
        parameters: {
          effect: {
            value: '[parameters(\'serviceHealthEffect\')]'
          }
          resourceGroupName: {
            value: '[parameters(\'resourceGroupName\')]'
          }
          resourceGroupLocation: {
            value: '[parameters(\'resourceGroupLocation\')]'
          }
          namePrefix: {
            value: '[parameters(\'namePrefix\')]'
          }
          services: {
            value: '[parameters(\'services\')]'
          }
          webhookUrl: {
            value: '[parameters(\'webhookUrl\')]'
          }
          entraObjectId: {
            value: '[parameters(\'entraObjectId\')]'
          }
          entraIdentifierUri: {
            value: '[parameters(\'entraIdentifierUri\')]'
          }
          entraTenantId: {
            value: '[parameters(\'entraTenantId\')]'
          }
          ruleVersion: {
            value: '[parameters(\'serviceHealthVersion\')]'
          }
        }
      }
      {
        policyDefinitionId: resourceHealth.id
        policyDefinitionReferenceId: 'resource-health'
        parameters: {
          effect: {
            value: '[parameters(\'resourceHealthEffect\')]'
          }
          resourceGroupName: {
            value: '[parameters(\'resourceGroupName\')]'
          }
          resourceGroupLocation: {
            value: '[parameters(\'resourceGroupLocation\')]'
          }
          namePrefix: {
            value: '[parameters(\'namePrefix\')]'
          }
          webhookUrl: {
            value: '[parameters(\'webhookUrl\')]'
          }
          entraObjectId: {
            value: '[parameters(\'entraObjectId\')]'
          }
          entraIdentifierUri: {
            value: '[parameters(\'entraIdentifierUri\')]'
          }
          entraTenantId: {
            value: '[parameters(\'entraTenantId\')]'
          }
          ruleVersion: {
            value: '[parameters(\'resourceHealthVersion\')]'
          }
        }
      }
      {
        policyDefinitionId: activityLogExport.id
        policyDefinitionReferenceId: 'activity-log-export'
        parameters: {
          effect: {
            value: '[parameters(\'activityLogExportEffect\')]'
          }
          eventHubsExportRuleId: {
            value: '[parameters(\'eventHubsExportRuleId\')]'
          }
          eventHubName: {
            value: '[parameters(\'eventHubName\')]'
          }
        }
      }
    ]
  }
}

resource assignment 'Microsoft.Authorization/policyAssignments@2025-01-01' = {
  // at most 24 characters in a management group
  name: 'health-relay'
  location: location
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    displayName: 'Azure health signals to the health relay'
    policyDefinitionId: initiative.id
    enforcementMode: 'Default'
    parameters: {
      serviceHealthEffect: {
        value: serviceHealthEffect
      }
      resourceHealthEffect: {
        value: resourceHealthEffect
      }
      activityLogExportEffect: {
        value: empty(eventHubsExportRuleId) ? 'Disabled' : activityLogExportEffect
      }
      resourceGroupName: {
        value: resourceGroupName
      }
      resourceGroupLocation: {
        value: location
      }
      namePrefix: {
        value: namePrefix
      }
      services: {
        value: services
      }
      webhookUrl: {
        value: receiverUrl
      }
      entraObjectId: {
        value: entraObjectId
      }
      entraIdentifierUri: {
        value: entraIdentifierUri
      }
      entraTenantId: {
        value: entraTenantId
      }
      serviceHealthVersion: {
        value: serviceHealthVersion
      }
      resourceHealthVersion: {
        value: resourceHealthVersion
      }
      eventHubsExportRuleId: {
        value: eventHubsExportRuleId
      }
      eventHubName: {
        value: eventHubName
      }
    }
    nonComplianceMessages: [
      {
        message: 'This subscription has no enabled Service Health rule of today\'s version that posts to the health relay.'
        policyDefinitionReferenceId: 'service-health'
      }
      {
        message: 'This subscription has no enabled Resource Health rule of today\'s version that posts to the health relay.'
        policyDefinitionReferenceId: 'resource-health'
      }
      {
        message: 'This subscription does not export its health events to the event hub of the health relay.'
        policyDefinitionReferenceId: 'activity-log-export'
      }
    ]
  }
}

resource remediationRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(managementGroup().id, assignment.id, contributorRoleId)
  properties: {
    roleDefinitionId: tenantResourceId('Microsoft.Authorization/roleDefinitions', contributorRoleId)
    principalId: assignment.identity.principalId
    principalType: 'ServicePrincipal'
  }
}

@description('Resource id of the assignment, for the remediation tasks of the subscriptions that exist already.')
output assignmentId string = assignment.id

@description('Object id of the identity that deploys. It needs Contributor on the event hubs namespace as well, if that is outside this management group.')
output principalId string = assignment.identity.principalId
