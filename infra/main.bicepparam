using 'main.bicep'

// azd sets the first two; `azd env set NAME VALUE` sets the others. What is not here is changed by editing this file.
param name = readEnvironmentVariable('AZURE_ENV_NAME', 'meshplane')
param location = readEnvironmentVariable('AZURE_LOCATION', 'westeurope')
param tags = {
  'azd-env-name': readEnvironmentVariable('AZURE_ENV_NAME', 'meshplane')
}

param authentication = readEnvironmentVariable('MESH_AUTHENTICATION', 'create')
param authenticationClientId = readEnvironmentVariable('MESH_AUTHENTICATION_CLIENT_ID', '')
param roleHolders = json(readEnvironmentVariable('MESH_ROLE_HOLDERS', '[]'))
param allowedAddresses = json(readEnvironmentVariable('MESH_ALLOWED_ADDRESSES', '[]'))
param alertEmails = json(readEnvironmentVariable('MESH_ALERT_EMAILS', '[]'))

param privateEndpoints = bool(readEnvironmentVariable('MESH_PRIVATE_ENDPOINTS', 'false'))
param streaming = bool(readEnvironmentVariable('MESH_STREAMING', 'true'))
param workspaceId = readEnvironmentVariable('MESH_EXISTING_WORKSPACE_ID', '')

param packageUri = readEnvironmentVariable('MESH_PACKAGE_URI', '')
param codeIsDeployed = bool(readEnvironmentVariable('MESH_CODE_IS_DEPLOYED', 'false')) || !empty(readEnvironmentVariable('MESH_PACKAGE_URI', ''))
