#!/usr/bin/env bash
# Makes the Entra application that stands for the relay, so that action groups can call it by the secure webhook: an app
# registration, an app role, and that role for the Azure application that calls for action groups. May be run again.
# Usage: secure-webhook.sh [display name]. Needs the Azure CLI, signed in.
set -euo pipefail

name="${1:-health-relay}"
role=ActionGroupsSecureWebhook
caller=461e8683-5575-4561-ac7f-899cc907d62a # AzNS AAD Webhook, the same in every tenant

# What the CLI says in place of nothing.
value() { local text; text="$("$@" --output tsv)"; [ "$text" = None ] || printf '%s' "$text"; }
principal() { # app id -> object id of its service principal, made where there is none
  local id
  id="$(value az ad sp list --filter "appId eq '$1'" --query '[0].id')"
  [ -n "$id" ] || id="$(value az ad sp create --id "$1" --query id)"
  printf '%s' "$id"
}

count="$(value az ad app list --filter "displayName eq '$name'" --query 'length(@)')"
if [ "$count" -gt 1 ]; then
  echo "$count applications are named $name; choose another name" >&2
  exit 1
fi
app="$(value az ad app list --filter "displayName eq '$name'" --query '[0].appId')"
[ -n "$app" ] || app="$(value az ad app create --display-name "$name" --sign-in-audience AzureADMyOrg --query appId)"
az ad app update --id "$app" --identifier-uris "api://$app"

role_id="$(value az ad app show --id "$app" --query "appRoles[?value=='$role'].id | [0]")"
if [ -z "$role_id" ]; then
  roles="$(az ad app show --id "$app" --query 'length(appRoles)' --output tsv)"
  if [ "$roles" != 0 ]; then
    echo "$name has other app roles; add $role to them by hand, for applications" >&2
    exit 1
  fi
  role_id="$(cat /proc/sys/kernel/random/uuid 2>/dev/null || uuidgen | tr '[:upper:]' '[:lower:]')"
  az ad app update --id "$app" --app-roles \
    "[{\"id\":\"$role_id\",\"value\":\"$role\",\"displayName\":\"$role\",\"description\":\"May call the health relay\",\"isEnabled\":true,\"allowedMemberTypes\":[\"Application\"]}]"
fi

relay="$(principal "$app")"
azns="$(principal "$caller")"
held="$(value az rest --url "https://graph.microsoft.com/v1.0/servicePrincipals/$azns/appRoleAssignments" \
  --query "value[?resourceId=='$relay' && appRoleId=='$role_id'].id | [0]")"
if [ -z "$held" ]; then
  az rest --method post --url "https://graph.microsoft.com/v1.0/servicePrincipals/$azns/appRoleAssignments" --output none \
    --headers Content-Type=application/json --body "{\"principalId\":\"$azns\",\"resourceId\":\"$relay\",\"appRoleId\":\"$role_id\"}"
fi

cat <<END
relay-azure.yaml, below receivers:
  entra: { tenant: "$(az account show --query tenantId --output tsv)", audience: ["api://$app"], role: $role }

infra/policy and infra/alerting:
  entraObjectId=$(az ad app show --id "$app" --query id --output tsv)
  entraIdentifierUri=api://$app
END
