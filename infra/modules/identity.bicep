metadata description = 'The identity that Meshplane acts with.'

@description('Its name.')
param name string

@description('Where it lies.')
param location string

@description('Tags of it.')
param tags object

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: name
  location: location
  tags: tags
}

@description('Its resource id.')
output id string = identity.id

@description('The object id that roles are assigned to.')
output principalId string = identity.properties.principalId

@description('What clients name it by.')
output clientId string = identity.properties.clientId
