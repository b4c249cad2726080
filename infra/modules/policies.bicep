metadata description = 'The backstop: Azure Policy definitions of a mesh, their initiative, and its assignment to the subscription. Audits unless told otherwise.'

targetScope = 'subscription'

@description('The mesh\'s name: what Meshplane calls its diagnostic settings starts with it.')
param name string

@description('Where the assignment\'s identity lies.')
param location string

@description('The resource id of the Log Analytics workspace that diagnostics go to where they are missing.')
param workspaceId string

@description('What is done about resources of nodes that report nowhere.')
@allowed(['AuditIfNotExists', 'DeployIfNotExists', 'Disabled'])
param diagnosticsEffect string = 'AuditIfNotExists'

@description('What is done about data in groups that are no nodes.')
@allowed(['Audit', 'Disabled'])
param untaggedEffect string = 'Audit'

@description('What is done about whoever deletes the mesh\'s diagnostic settings. DenyAction holds Meshplane up as well: docs/backstop.md.')
@allowed(['DenyAction', 'Disabled'])
param removalEffect string = 'Disabled'

var policies = [
  loadJsonContent('../policies/data-in-untagged-groups.json')
  loadJsonContent('../policies/diagnostics-if-missing.json')
  loadJsonContent('../policies/keep-owned-settings.json')
]
var initiative = loadJsonContent('../policies/initiative.json')

// What may deploy diagnostic settings and the deployments that carry them: Log Analytics Contributor.
var deployer = '92aaf0da-9dab-42b6-94a3-d43ce8d16293'

resource definitions 'Microsoft.Authorization/policyDefinitions@2025-01-01' = [
  for policy in policies: {
    name: '${name}-${policy.name}'
    properties: policy.properties
  }
]

resource backstop 'Microsoft.Authorization/policySetDefinitions@2025-01-01' = {
  name: '${name}-${initiative.name}'
  properties: union(initiative.properties, {
    policyDefinitions: map(initiative.properties.policyDefinitions, reference => union(reference, {
      policyDefinitionId: subscriptionResourceId('Microsoft.Authorization/policyDefinitions', '${name}-${reference.policyDefinitionId}')
    }))
  })
  dependsOn: [
    definitions
  ]
}

resource assignment 'Microsoft.Authorization/policyAssignments@2025-01-01' = {
  name: '${name}-${initiative.name}'
  location: location
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    displayName: '${initiative.properties.displayName} ${name}'
    description: initiative.properties.description
    policyDefinitionId: backstop.id
    enforcementMode: 'Default'
    parameters: {
      diagnosticsEffect: {
        value: diagnosticsEffect
      }
      untaggedEffect: {
        value: untaggedEffect
      }
      removalEffect: {
        value: removalEffect
      }
      workspaceId: {
        value: workspaceId
      }
      settingName: {
        value: '${name}.policy'
      }
      settingNames: {
        value: [name, '${name}.stream', '${name}.archive']
      }
    }
  }
}

resource right 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (diagnosticsEffect == 'DeployIfNotExists') {
  name: guid(subscription().id, name, initiative.name, deployer)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', deployer)
    principalId: assignment.identity.principalId
    principalType: 'ServicePrincipal'
    description: 'Deploys diagnostic settings that are missing.'
  }
}

@description('The resource id of the assignment, for remediation tasks and exemptions.')
output assignmentId string = assignment.id
