/** The Azure side of a first set-up as commands for a POSIX shell with the Azure CLI. */

export interface AzureCommands {
  /** Action group and rule for all services: works with the options of the Azure CLI alone. */
  all: string;
  /** In place of the rule for all services: only Container Registry and AKS. */
  narrow: string;
}

/** Names exactly as Service Health writes them (azure-signals 1.6). */
const SERVICES = ['Container Registry', 'Azure Kubernetes Service (AKS)'];
const GROUP = 'rg-health-relay';
const ACTION_GROUP = 'ag-health-relay';
const RULE = 'health-relay-service-health';

/**
 * Commands that make Azure call `address`, the webhook with its token. Service Health rules exist in location Global
 * only and call action groups in Global only (azure-signals 1.6). `--condition` of the Azure CLI compares single values;
 * a list of services needs containsAny, which only the REST API takes.
 */
export function azureCommands(address: string): AzureCommands {
  const all = `subscription=$(az account show --query id --output tsv)
az group create --name ${GROUP} --location westeurope
az monitor action-group create --resource-group ${GROUP} --name ${ACTION_GROUP} --short-name healthrelay --location Global \\
  --action webhook health-relay ${shellQuoted(address)} usecommonalertschema
az monitor activity-log alert create --resource-group ${GROUP} --name ${RULE} \\
  --scope "/subscriptions/$subscription" --condition category=ServiceHealth \\
  --action-group "${actionGroupId()}" --description 'Service Health to the relay'`;
  const narrow = `az rest --method put \\
  --url "https://management.azure.com/subscriptions/$subscription/resourceGroups/${GROUP}/providers/Microsoft.Insights/activityLogAlerts/${RULE}?api-version=2020-10-01" \\
  --body "${ruleBody().replaceAll('"', String.raw`\"`)}"`;
  return { all, narrow };
}

function actionGroupId(): string {
  return `/subscriptions/$subscription/resourceGroups/${GROUP}/providers/Microsoft.Insights/actionGroups/${ACTION_GROUP}`;
}

function ruleBody(): string {
  return JSON.stringify({
    location: 'Global',
    properties: {
      enabled: true,
      description: 'Service Health of Container Registry and AKS to the relay',
      scopes: ['/subscriptions/$subscription'],
      condition: {
        allOf: [
          { field: 'category', equals: 'ServiceHealth' },
          { field: 'properties.impactedServices[*].ServiceName', containsAny: SERVICES },
        ],
      },
      actions: { actionGroups: [{ actionGroupId: actionGroupId() }] },
    },
  });
}

function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
