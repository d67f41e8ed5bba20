metadata description = 'Platform metric alerts of one AKS cluster. No agent is needed for these metrics.'

@description('Start of every rule name.')
param namePrefix string

@description('Resource id of the cluster.')
param clusterId string

@description('Resource id of the action group.')
param actionGroupId string

@description('Tags of the resources.')
param tags object = {}

var clusterName = last(split(clusterId, '/'))

var rules = [
  {
    key: 'nodes-not-ready'
    text: 'Nodes of the cluster are not ready.'
    severity: 1
    metricName: 'kube_node_status_condition'
    timeAggregation: 'Total'
    threshold: 0
    dimensions: [
      {
        name: 'status2'
        operator: 'Include'
        values: [
          'NotReady'
          'Unknown'
        ]
      }
    ]
  }
  {
    key: 'pods-failed'
    text: 'Pods of the cluster are in the phase Failed.'
    severity: 2
    metricName: 'kube_pod_status_phase'
    timeAggregation: 'Average'
    threshold: 0
    dimensions: [
      {
        name: 'phase'
        operator: 'Include'
        values: [
          'Failed'
        ]
      }
    ]
  }
  {
    key: 'pods-unschedulable'
    text: 'Pods of the cluster find no node.'
    severity: 2
    metricName: 'cluster_autoscaler_unschedulable_pods_count'
    timeAggregation: 'Average'
    threshold: 0
    dimensions: []
  }
  {
    key: 'node-cpu'
    text: 'Nodes of the cluster use more than 95 % of their CPU.'
    severity: 3
    metricName: 'node_cpu_usage_percentage'
    timeAggregation: 'Average'
    threshold: 95
    dimensions: []
  }
  {
    key: 'node-memory'
    text: 'Nodes of the cluster use more than 95 % of their memory.'
    severity: 3
    metricName: 'node_memory_working_set_percentage'
    timeAggregation: 'Average'
    threshold: 95
    dimensions: []
  }
  {
    key: 'node-disk'
    text: 'A disk of a node is fuller than 80 %: image pulls fail when it is full.'
    severity: 2
    metricName: 'node_disk_usage_percentage'
    timeAggregation: 'Average'
    threshold: 80
    dimensions: []
  }
]

resource alerts 'Microsoft.Insights/metricAlerts@2018-03-01' = [
  for rule in rules: {
    name: '${namePrefix}-${clusterName}-${rule.key}'
    location: 'global'
    tags: tags
    properties: {
      description: rule.text
      enabled: true
      severity: rule.severity
      scopes: [
        clusterId
      ]
      evaluationFrequency: 'PT1M'
      windowSize: 'PT5M'
      autoMitigate: true
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            criterionType: 'StaticThresholdCriterion'
            name: rule.key
            metricName: rule.metricName
            metricNamespace: 'Microsoft.ContainerService/managedClusters'
            timeAggregation: rule.timeAggregation
            operator: 'GreaterThan'
            threshold: rule.threshold
            dimensions: rule.dimensions
            // the autoscaler's metrics exist only while it is on
            skipMetricValidation: true
          }
        ]
      }
      actions: [
        {
          actionGroupId: actionGroupId
        }
      ]
    }
  }
]
