# As azd-postdeploy.sh, on Windows.
$ErrorActionPreference = 'Stop'
if ($env:MESH_CODE_IS_DEPLOYED -eq 'true') { exit 0 }
$env:MESH_CODE_IS_DEPLOYED = 'true'
az deployment sub create `
  --name "$($env:AZURE_ENV_NAME)-events" `
  --subscription $env:AZURE_SUBSCRIPTION_ID `
  --location $env:AZURE_LOCATION `
  --template-file infra/main.bicep `
  --parameters infra/main.bicepparam `
  --output none
if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
azd env set MESH_CODE_IS_DEPLOYED true
Write-Output 'Events of the subscription reach Meshplane now.'
