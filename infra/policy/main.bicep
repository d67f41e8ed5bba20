metadata description = 'Puts a Service Health rule and its action group into every subscription of a management group, new ones included.'

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

@description('AuditIfNotExists shows what would be done without doing it.')
@allowed([
  'DeployIfNotExists'
  'AuditIfNotExists'
  'Disabled'
])
param effect string = 'DeployIfNotExists'

var policy = loadJsonContent('service-health-policy.json')
// Contributor: the deployment makes a resource group, which the monitoring roles may not.
var contributorRoleId = 'b24988ac-6180-42a0-ab88-20f7382dd24c'

resource definition 'Microsoft.Authorization/policyDefinitions@2025-01-01' = {
  name: '${namePrefix}-service-health'
  properties: {
    displayName: 'Service Health rule for the health relay'
    description: 'Deploys a Service Health rule and an action group that posts to the health relay.'
    policyType: 'Custom'
    mode: 'All'
    metadata: {
      category: 'Monitoring'
      version: '1.0.0'
    }
    parameters: policy.parameters
    policyRule: policy.policyRule
  }
}

resource assignment 'Microsoft.Authorization/policyAssignments@2025-01-01' = {
  // at most 24 characters in a management group
  name: 'health-relay-sh'
  location: location
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    displayName: 'Service Health rule for the health relay'
    policyDefinitionId: definition.id
    enforcementMode: 'Default'
    parameters: {
      effect: {
        value: effect
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
    }
    nonComplianceMessages: [
      {
        message: 'This subscription has no enabled Service Health rule that posts to the health relay.'
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

@description('Resource id of the assignment, for the remediation task of the subscriptions that exist already.')
output assignmentId string = assignment.id
