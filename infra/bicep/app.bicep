metadata description = 'One Container App of the relay: the api (receivers, API, pages) or the worker (deliveries). Same image, another RELAY_ROLE.'

@description('An environment variable filled from a secret of the vault.')
type secretVariable = {
  @description('Name of the environment variable, as the config of the relay writes it between braces.')
  variable: string

  @description('Name of the secret in the vault.')
  secret: string
}

@description('Region of the resource.')
param location string

@description('Part of the resource name.')
param environmentName string

@description('What this app does.')
@allowed([
  'api'
  'worker'
])
param role string

@description('Container Apps environment.')
param environmentId string

@description('Image with registry, name and tag or digest.')
param image string

@description('Login server of the registry that the identity pulls from. Empty: the image is public.')
param registryServer string = ''

@description('Resource id of the identity of the relay.')
param identityId string

@description('Object id of that identity: its user in Redis.')
param identityPrincipalId string

@description('Client id of that identity.')
param identityClientId string

@description('Address of the vault, with the closing slash.')
param keyVaultUri string

@description('Text of relay.yaml. Its secrets are written as variables and come from the vault.')
param relayConfig string

@description('Variables from the vault.')
param secretVariables secretVariable[]

@description('Host name of the Event Hubs namespace, for the config.')
param eventHubsHost string

@description('Host name of Postgres.')
param databaseHost string

@description('User of the identity in Postgres.')
param databaseUser string

@description('Database of the relay.')
param databaseName string

@description('Host name and port of Redis. Empty: the queue lives on Postgres.')
param redisAddress string

@description('Application Insights component that takes the traces.')
param insightsName string

@description('True: the relay sends traces there.')
param traces bool

@description('Name under which the environment knows the spool share. Only the api has a spool.')
param spoolStorageName string

@description('Replicas that always run.')
@minValue(1)
param minReplicas int

@description('Replicas at most.')
@minValue(1)
param maxReplicas int

@description('CPU cores of a replica, as text since Bicep has no fractions.')
param cpu string = '0.5'

@description('Memory of a replica.')
param memory string = '1Gi'

@description('Tags of the resource.')
param tags object

var port = 8080
var isApi = role == 'api'

// The api is ready when it listens. /readyz is 503 when a signal can be kept nowhere, which has mostly the same cause in every replica:
// the ingress would have no replica left, and nobody would open pagers directly. A worker takes no calls; its readiness tells a new revision that it reaches Postgres.
var readinessPath = isApi ? '/livez' : '/readyz'

// The relay reads its config at /etc/relay/relay.yaml; it is mounted as a secret so that no share is needed for it.
var configSecret = {
  name: 'relay-config'
  value: relayConfig
}

var configSecrets = [
  for item in secretVariables: {
    name: item.secret
    keyVaultUrl: '${keyVaultUri}secrets/${item.secret}'
    identity: identityId
  }
]

var configVariables = [
  for item in secretVariables: {
    name: item.variable
    secretRef: item.secret
  }
]

var commonVariables = [
  {
    name: 'RELAY_ROLE'
    value: role
  }
  {
    name: 'RELAY_CONFIG'
    value: '/etc/relay/relay.yaml'
  }
  {
    // A changed secret alone makes no new revision; this does when the config changes.
    name: 'RELAY_CONFIG_VERSION'
    value: uniqueString(relayConfig)
  }
  {
    // No password: the relay signs in with tokens of its identity.
    name: 'DATABASE_URL'
    value: 'postgresql://${databaseUser}@${databaseHost}:5432/${databaseName}?sslmode=verify-full'
  }
  {
    name: 'DATABASE_AUTH'
    value: 'entra'
  }
  {
    name: 'EVENT_HUBS_NAMESPACE'
    value: eventHubsHost
  }
  {
    // Which of the identities the Azure SDK is to use.
    name: 'AZURE_CLIENT_ID'
    value: identityClientId
  }
]

var redisVariables = empty(redisAddress)
  ? []
  : [
      {
        name: 'REDIS_URL'
        value: 'rediss://${identityPrincipalId}@${redisAddress}'
      }
      {
        name: 'REDIS_AUTH'
        value: 'entra'
      }
    ]

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

var traceVariables = traces
  ? [
      {
        name: 'APPLICATIONINSIGHTS_CONNECTION_STRING'
        value: insights.properties.ConnectionString
      }
    ]
  : []

var spoolVariables = isApi
  ? [
      {
        name: 'RELAY_SPOOL_DIR'
        value: '/var/lib/relay/spool'
      }
    ]
  : []

var configVolume = [
  {
    name: 'config'
    storageType: 'Secret'
    secrets: [
      {
        secretRef: 'relay-config'
        path: 'relay.yaml'
      }
    ]
  }
]

var spoolVolume = isApi
  ? [
      {
        name: 'spool'
        storageType: 'NfsAzureFile'
        storageName: spoolStorageName
      }
    ]
  : []

var configMount = [
  {
    volumeName: 'config'
    mountPath: '/etc/relay'
  }
]

var spoolMount = isApi
  ? [
      {
        volumeName: 'spool'
        mountPath: '/var/lib/relay/spool'
      }
    ]
  : []

var ingress = {
  external: true
  targetPort: port
  transport: 'http'
  allowInsecure: false
}

var apiScaleRules = [
  {
    name: 'requests'
    http: {
      metadata: {
        concurrentRequests: '50'
      }
    }
  }
]

// One worker drains a hundred deliveries in a second or two; more replicas help when vendors are slow.
var workerScaleRules = [
  {
    name: 'deliveries-due'
    custom: {
      type: 'postgresql'
      metadata: {
        query: 'select count(*) from deliveries where next_attempt_at <= now() and state in (\'pending\',\'retrying\')'
        targetQueryValue: '100'
        host: databaseHost
        port: '5432'
        userName: databaseUser
        dbName: databaseName
        sslmode: 'require'
      }
      // KEDA then brings a token of the identity as the password
      identity: identityId
    }
  }
]

resource app 'Microsoft.App/containerApps@2025-01-01' = {
  name: 'ca-${environmentName}-${role}'
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    environmentId: environmentId
    workloadProfileName: 'Consumption'
    configuration: {
      activeRevisionsMode: 'Single'
      ingress: isApi ? ingress : null
      registries: empty(registryServer)
        ? []
        : [
            {
              server: registryServer
              identity: identityId
            }
          ]
      secrets: concat([configSecret], configSecrets)
    }
    template: {
      terminationGracePeriodSeconds: 30
      containers: [
        {
          name: 'relay'
          image: image
          resources: {
            cpu: json(cpu)
            memory: memory
          }
          env: concat(commonVariables, redisVariables, spoolVariables, traceVariables, configVariables)
          volumeMounts: concat(configMount, spoolMount)
          probes: [
            {
              type: 'Startup'
              httpGet: {
                path: '/livez'
                port: port
              }
              // 50 s in all; the platform takes a threshold of 10 at most
              periodSeconds: 5
              timeoutSeconds: 3
              failureThreshold: 10
            }
            {
              type: 'Liveness'
              httpGet: {
                path: '/livez'
                port: port
              }
              periodSeconds: 10
              timeoutSeconds: 3
              failureThreshold: 3
            }
            {
              type: 'Readiness'
              httpGet: {
                path: readinessPath
                port: port
              }
              periodSeconds: 5
              timeoutSeconds: 3
              failureThreshold: 2
            }
          ]
        }
      ]
      volumes: concat(configVolume, spoolVolume)
      scale: {
        minReplicas: minReplicas
        maxReplicas: maxReplicas
        rules: isApi ? apiScaleRules : workerScaleRules
      }
    }
  }
}

@description('Host name of the app; empty for the worker, which takes no calls from outside.')
output host string = isApi ? app.properties.configuration.ingress.fqdn : ''
