metadata description = 'The Microsoft Entra application that callers of the HTTP API get tokens for, with its roles. Needs the right to register applications; docs/deploy.md has the same as az commands.'

extension microsoftGraphV1

import { holderType } from 'types.bicep'

@description('What tells this application from others of the tenant, for ever.')
param uniqueName string

@description('What people see.')
param displayName string

@description('Object ids of groups, people or service principals, by the role that they get.')
param holders holderType[]

var azureCli = '04b07795-8ddb-461a-bbee-02f9e1bf7b46'
var identifierUri = 'api://${tenant().tenantId}/${uniqueName}'
var scopeId = guid(uniqueName, 'user_impersonation')
var roles = [
  {
    value: 'Mesh.Reader'
    description: 'Reads the mesh, plans edges, and decides where they own the node.'
  }
  {
    value: 'Mesh.Requester'
    description: 'Asks for edges, besides what readers may.'
  }
  {
    value: 'Mesh.Approver'
    description: 'Decides about edges to any node, besides what requesters may.'
  }
  {
    value: 'Mesh.Operator'
    description: 'Has keys looked at, moves nodes and replays dead letters, besides what approvers may.'
  }
]

resource application 'Microsoft.Graph/applications@v1.0' = {
  uniqueName: uniqueName
  displayName: displayName
  signInAudience: 'AzureADMyOrg'
  identifierUris: [
    identifierUri
  ]
  api: {
    requestedAccessTokenVersion: 2
    oauth2PermissionScopes: [
      {
        id: scopeId
        value: 'user_impersonation'
        type: 'User'
        isEnabled: true
        adminConsentDisplayName: 'Use Meshplane'
        adminConsentDescription: 'Calls Meshplane in the name of the person who is signed in, with the roles that they have.'
        userConsentDisplayName: 'Use Meshplane'
        userConsentDescription: 'Calls Meshplane in your name, with the roles that you have.'
      }
    ]
    preAuthorizedApplications: [
      {
        appId: azureCli
        delegatedPermissionIds: [
          scopeId
        ]
      }
    ]
  }
  appRoles: [
    for role in roles: {
      id: guid(uniqueName, role.value)
      value: role.value
      displayName: role.value
      description: role.description
      isEnabled: true
      allowedMemberTypes: [
        'User'
        'Application'
      ]
    }
  ]
}

// Nobody gets a token without a role.
resource principal 'Microsoft.Graph/servicePrincipals@v1.0' = {
  appId: application.appId
  appRoleAssignmentRequired: true
}

resource assignments 'Microsoft.Graph/appRoleAssignedTo@v1.0' = [
  for holder in holders: {
    appRoleId: guid(uniqueName, holder.role)
    principalId: holder.principalId
    resourceId: principal.id
  }
]

@description('The application\'s client id.')
output clientId string = application.appId

@description('What tokens are asked for: this and /.default.')
output identifierUri string = identifierUri
