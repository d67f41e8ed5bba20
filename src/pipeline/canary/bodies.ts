/** Canaries as Azure would send them, one per kind of door (azure-signals 1, 4). The mark stands where Azure has its own id. */
import { canaryMark } from '#src/core/canary.ts';

/** No subscription has this id. */
const SUBSCRIPTION = '00000000-0000-0000-0000-000000000000';
const TITLE = 'Canary of the health relay: nothing is wrong';

function properties(run: string, at: string): Record<string, string> {
  return {
    title: TITLE,
    service: 'Health Relay',
    region: 'Global',
    communication: TITLE,
    incidentType: 'Informational',
    trackingId: canaryMark(run),
    impactStartTime: at,
    impactedServices: '[{"ImpactedRegions":[{"RegionName":"Global"}],"ServiceName":"Health Relay"}]',
    stage: 'Active',
    communicationId: run,
    // For whoever else reads the same hub and does not know the mark: Azure's own word for a test.
    isSynthetic: 'true',
  };
}

/** An action group's webhook, common alert schema. `at`: ISO 8601 UTC. */
export function azureMonitorCanary(run: string, at: string): Record<string, unknown> {
  return {
    schemaId: 'azureMonitorCommonAlertSchema',
    data: {
      essentials: {
        alertId: `/subscriptions/${SUBSCRIPTION}/providers/Microsoft.AlertsManagement/alerts/${run}`,
        alertRule: 'health-relay-canary',
        severity: 'Sev4',
        signalType: 'Activity Log',
        monitorCondition: 'Fired',
        monitoringService: 'ServiceHealth',
        alertTargetIDs: [`/subscriptions/${SUBSCRIPTION}`],
        firedDateTime: at,
        essentialsVersion: '1.0',
        alertContextVersion: '1.0',
      },
      alertContext: {
        channels: 1,
        correlationId: run,
        eventSource: 2,
        eventTimestamp: at,
        eventDataId: run,
        level: 4,
        operationName: 'Microsoft.ServiceHealth/informational/action',
        properties: properties(run, at),
        status: 'Active',
        submissionTimestamp: at,
      },
    },
  };
}

/** The export of the activity log to an Event Hub. */
export function activityLogCanary(run: string, at: string): Record<string, unknown> {
  return {
    records: [
      {
        time: at,
        correlationId: run,
        operationName: 'Microsoft.ServiceHealth/informational/action',
        level: 'Information',
        resultType: 'Active',
        category: 'ServiceHealth',
        properties: { eventCategory: 'ServiceHealth', eventProperties: properties(run, at) },
        resourceId: `/SUBSCRIPTIONS/${SUBSCRIPTION}`,
      },
    ],
  };
}

/** A push of Event Grid: the health of a machine that does not exist. */
export function eventGridCanary(run: string, at: string): Record<string, unknown>[] {
  const machine = `/subscriptions/${SUBSCRIPTION}/resourceGroups/relay/providers/Microsoft.Compute/virtualMachines/${canaryMark(run)}`;
  return [
    {
      topic: `/subscriptions/${SUBSCRIPTION}`,
      subject: machine,
      eventType: 'Microsoft.ResourceNotifications.HealthResources.AvailabilityStatusChanged',
      id: run,
      data: {
        resourceInfo: {
          id: `${machine}/providers/Microsoft.ResourceHealth/availabilityStatuses/${run}`,
          name: run,
          type: 'Microsoft.ResourceHealth/availabilityStatuses',
          properties: {
            targetResourceId: machine,
            targetResourceType: 'Microsoft.Compute/virtualMachines',
            occurredTime: at,
            previousAvailabilityState: 'Available',
            availabilityState: 'Unavailable',
          },
        },
        operationalInfo: { resourceEventTime: at },
        apiVersion: '2022-08-01',
      },
      dataVersion: '1',
      metadataVersion: '1',
      eventTime: at,
    },
  ];
}
