using 'main.bicep'

param location = 'westeurope'
param receiverUrl = 'https://relay.example/v1/receivers/azure-monitor'
param entraObjectId = '00000000-0000-0000-0000-000000000000'
param entraIdentifierUri = 'api://00000000-0000-0000-0000-000000000000'
