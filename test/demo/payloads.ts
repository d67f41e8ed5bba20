/** Bodies as Azure's action groups and the export of the activity log send them (azure-signals 1.1, 1.2, 3, 4.2). Texts and ids are made up. */
import { createHash } from 'node:crypto';
import type { DemoSubscription } from './config.ts';

/** One post by Microsoft; every subscription gets it in an envelope of its own. */
export interface Post {
  trackingId: string;
  /** Number of the post under its tracking ID. */
  number: number;
  type: 'Incident' | 'Maintenance';
  stage: 'Active' | 'Resolved' | 'RCA' | 'Planned';
  /** Of the event; decides the order. */
  at: Date;
  title: string;
  /** HTML or plain text. */
  text: string;
  level: 'Error' | 'Warning' | 'Informational';
  service: string;
  regions: readonly string[];
  startedAt: Date;
  mitigatedAt: Date | null;
}

/** The scale on which the paired test samples of both schemas agree (azure-signals 1.2). */
const LEVEL_NUMBERS = { Error: 2, Warning: 3, Informational: 4 } as const;

/** The classic form: `data.context.activityLog`. */
export function classicBody(post: Post, subscription: DemoSubscription): unknown {
  return {
    schemaId: 'Microsoft.Insights/activityLogs',
    data: {
      // Always Activated, also for an end (azure-signals 0.1).
      status: 'Activated',
      context: {
        activityLog: {
          channels: 'Admin',
          description: `${post.stage}: ${post.title}`,
          eventSource: 'ServiceHealth',
          level: post.level,
          subscriptionId: subscription.id,
          ...eventOf(post, subscription),
        },
      },
      properties: {},
    },
  };
}

/** The common schema: only `alertTargetIDs` names the subscription, and numbers stand where the classic form has words. */
export function commonBody(post: Post, subscription: DemoSubscription): unknown {
  const event = eventOf(post, subscription);
  return {
    schemaId: 'azureMonitorCommonAlertSchema',
    data: {
      essentials: {
        alertId: `/subscriptions/${subscription.id}/providers/Microsoft.AlertsManagement/alerts/${digest(event.eventDataId)}`,
        alertRule: 'service-health-production',
        severity: 'Sev4',
        signalType: 'Activity Log',
        monitorCondition: 'Fired',
        monitoringService: 'ServiceHealth',
        alertTargetIDs: [`/subscriptions/${subscription.id}`],
        originAlertId: event.eventDataId,
        firedDateTime: later(post.at, 45_000),
        description: '',
        essentialsVersion: '1.0',
        alertContextVersion: '1.0',
      },
      alertContext: {
        authorization: null,
        channels: 1,
        claims: null,
        caller: null,
        eventSource: 2,
        httpRequest: null,
        level: LEVEL_NUMBERS[post.level],
        subStatus: null,
        ResourceType: null,
        ...event,
      },
    },
  };
}

/** One record of the activity log's export: capitals, no subscription of its own and no id of the post (azure-signals 4.2, 8). */
export function exportBody(post: Post, subscription: DemoSubscription): unknown {
  const event = eventOf(post, subscription);
  const { communicationId: _none, ...eventProperties } = event.properties;
  const record = {
    time: event.eventTimestamp,
    resourceId: `/SUBSCRIPTIONS/${subscription.id.toUpperCase()}`,
    correlationId: event.correlationId,
    operationName: event.operationName,
    category: 'ServiceHealth',
    level: 'Warning',
    resultType: event.status === 'Active' ? 'Activated' : event.status,
    properties: { eventCategory: 'ServiceHealth', eventProperties },
  };
  return { records: [record] };
}

export interface MetricAlert {
  subscription: DemoSubscription;
  condition: 'Fired' | 'Resolved';
  firedAt: Date;
  resolvedAt: Date | null;
}

/** A metric alert on an AKS cluster, common schema. */
export function metricBody({ subscription, condition, firedAt, resolvedAt }: MetricAlert): unknown {
  const group = `/subscriptions/${subscription.id}/resourceGroups/rg-${subscription.name}/providers`;
  return {
    schemaId: 'azureMonitorCommonAlertSchema',
    data: {
      essentials: {
        alertId: `/subscriptions/${subscription.id}/providers/Microsoft.AlertsManagement/alerts/${guid('metric')}`,
        alertRule: 'aks-pods-not-ready',
        alertRuleID: `${group}/microsoft.insights/metricAlerts/aks-pods-not-ready`,
        targetResourceType: 'microsoft.containerservice/managedclusters',
        severity: 'Sev1',
        signalType: 'Metric',
        monitorCondition: condition,
        targetResourceGroup: `rg-${subscription.name}`,
        monitoringService: 'Platform',
        alertTargetIDs: [`${group}/Microsoft.ContainerService/managedClusters/aks-${subscription.name}`.toLowerCase()],
        configurationItems: [`aks-${subscription.name}`],
        originAlertId: guid('metric-origin'),
        firedDateTime: firedAt.toISOString(),
        ...(resolvedAt === null ? {} : { resolvedDateTime: resolvedAt.toISOString() }),
        description: 'Fewer pods are ready than the shop needs',
        essentialsVersion: '1.0',
        alertContextVersion: '1.0',
      },
      alertContext: {
        properties: null,
        conditionType: 'SingleResourceMultipleMetricCriteria',
        condition: {
          windowSize: 'PT5M',
          allOf: [
            {
              metricName: 'kube_pod_status_ready',
              metricNamespace: 'Microsoft.ContainerService/managedClusters',
              operator: 'LessThan',
              threshold: '40',
              timeAggregation: 'Average',
              dimensions: [{ name: 'condition', value: 'true' }],
              metricValue: condition === 'Fired' ? 17 : 52,
            },
          ],
          windowStartTime: later(resolvedAt ?? firedAt, -360_000),
          windowEndTime: later(resolvedAt ?? firedAt, -60_000),
        },
      },
      customProperties: null,
    },
  };
}

/** A body of a shape that no parser knows: a script of one's own, or a schema that Azure has changed. */
export function unknownBody(run: number): unknown {
  return { job: 'nightly-registry-audit', run, findings: [{ image: 'shop/cart', tag: `1.${run}`, signed: false }] };
}

function eventOf(post: Post, subscription: DemoSubscription) {
  const key = `${post.trackingId}/${post.number}`;
  const impacts = [{ ImpactedRegions: post.regions.map((RegionName) => ({ RegionName })), ServiceName: post.service }];
  return {
    correlationId: guid(post.trackingId),
    operationId: guid(post.trackingId),
    eventTimestamp: post.at.toISOString().replace('Z', '0000+00:00'),
    eventDataId: guid(`${key}/${subscription.id}`),
    operationName: `Microsoft.ServiceHealth/${post.type.toLowerCase()}/action`,
    status: post.stage === 'Resolved' || post.stage === 'RCA' ? 'Resolved' : 'Active',
    submissionTimestamp: later(post.at, 12_000).replace('Z', '0000+00:00'),
    properties: {
      title: post.title,
      // Only the first service and region stand here (azure-signals 0.5).
      service: post.service,
      region: post.regions[0],
      communication: post.text,
      incidentType: post.type,
      trackingId: post.trackingId,
      impactStartTime: post.startedAt.toISOString(),
      ...(post.mitigatedAt === null ? {} : { impactMitigationTime: post.mitigatedAt.toISOString() }),
      impactedServices: JSON.stringify(impacts),
      defaultLanguageTitle: post.title,
      defaultLanguageContent: post.text,
      stage: post.stage,
      communicationId: `110000${String(Number.parseInt(digest(key).slice(0, 7), 16))
        .padStart(8, '0')
        .slice(-8)}`,
      isHIR: 'false',
      impactType: 'SubscriptionList',
      version: '0.1.1',
    },
  };
}

function later(at: Date, byMs: number): string {
  return new Date(at.getTime() + byMs).toISOString();
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The same text gives the same GUID. */
function guid(text: string): string {
  return digest(text).replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-4$3-8$4-$5');
}
