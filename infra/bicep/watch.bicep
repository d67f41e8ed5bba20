metadata description = 'Who watches the relay: an availability test from outside and a mail sent by Azure itself, which does not go through the relay.'

@description('Region of the availability test.')
param location string

@description('Part of the resource names.')
param environmentName string

@description('Application Insights component of the test.')
param insightsId string

@description('Address of the relay, without a closing slash.')
param relayUrl string

@description('Mail address that is told when the relay cannot take signals. New addresses must confirm themselves to Azure.')
param operatorEmail string

@description('Tags of the resources.')
param tags object

// Three of the five places must see it fail, so that one place with network trouble wakes nobody.
var failedLocationCount = 3

resource operators 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: '${environmentName}-operators'
  location: 'Global'
  tags: tags
  properties: {
    groupShortName: 'relay-ops'
    enabled: true
    emailReceivers: [
      {
        name: 'operators'
        emailAddress: operatorEmail
        useCommonAlertSchema: true
      }
    ]
  }
}

resource readiness 'Microsoft.Insights/webtests@2022-06-15' = {
  name: '${environmentName}-readyz'
  location: location
  // Azure finds the component of a test by this tag.
  tags: union(tags, {
    'hidden-link:${insightsId}': 'Resource'
  })
  kind: 'standard'
  properties: {
    Name: '${environmentName}-readyz'
    SyntheticMonitorId: '${environmentName}-readyz'
    Description: 'The relay can take signals: it can commit, or at least spool.'
    Kind: 'standard'
    Enabled: true
    Frequency: 300
    Timeout: 30
    RetryEnabled: true
    Locations: [
      {
        Id: 'emea-nl-ams-azr'
      }
      {
        Id: 'emea-gb-db3-azr'
      }
      {
        Id: 'us-va-ash-azr'
      }
      {
        Id: 'us-ca-sjc-azr'
      }
      {
        Id: 'apac-sg-sin-azr'
      }
    ]
    Request: {
      RequestUrl: '${relayUrl}/readyz'
      HttpVerb: 'GET'
      ParseDependentRequests: false
    }
    ValidationRules: {
      ExpectedHttpStatusCode: 200
      SSLCheck: true
      SSLCertRemainingLifetimeCheck: 14
    }
  }
}

resource unavailable 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: '${environmentName}-unavailable'
  location: 'global'
  tags: tags
  properties: {
    description: 'The relay cannot take signals. After failed retries Azure calls no receiver at that address for 15 minutes.'
    enabled: true
    severity: 0
    scopes: [
      readiness.id
      insightsId
    ]
    evaluationFrequency: 'PT1M'
    windowSize: 'PT5M'
    autoMitigate: true
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.WebtestLocationAvailabilityCriteria'
      webTestId: readiness.id
      componentId: insightsId
      failedLocationCount: failedLocationCount
    }
    actions: [
      {
        actionGroupId: operators.id
      }
    ]
  }
}
