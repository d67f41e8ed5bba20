using 'main.bicep'

// For compiling and judging the templates without azd; azd itself reads main.parameters.json.
param environmentName = 'relay-sample'
param location = 'northeurope'
param image = 'contosoregistry.azurecr.io/health-relay:1.0.0'
param registryName = 'contosoregistry'
param registryResourceGroup = 'rg-registry'
param operatorEmail = 'sre@contoso.example'
param secretVariables = [
  {
    variable: 'RECEIVER_TOKEN'
    secret: 'receiver-token'
  }
]
