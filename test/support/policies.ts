/** The definitions of infra/policy, by their references in the initiative. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Json } from './arm.ts';

export const folder = fileURLToPath(new URL('../../infra/policy', import.meta.url));
const read = (name: string): string => readFileSync(`${folder}/${name}`, 'utf8');

export interface Policy {
  parameters: Record<string, { type: string; allowedValues?: string[]; defaultValue?: Json }>;
  policyRule: { if: Json; then: { effect: string; details: Details } };
}
interface Details {
  type: string;
  deploymentScope: string;
  existenceCondition: Json;
  roleDefinitionIds: string[];
  deployment: { properties: { parameters: Record<string, Json>; template: Record<string, Json> } };
}

/** Reference in the initiative -> name of the resource in main.bicep, and the definition. */
export const POLICIES = {
  'service-health': ['serviceHealth', JSON.parse(read('service-health-policy.json')) as Policy],
  'resource-health': ['resourceHealth', JSON.parse(read('resource-health-policy.json')) as Policy],
  'activity-log-export': ['activityLogExport', JSON.parse(read('activity-log-export-policy.json')) as Policy],
} as const;
export type Reference = keyof typeof POLICIES;
export const references = Object.keys(POLICIES) as Reference[];
