# As azd-postdeploy.sh, on Windows.
$ErrorActionPreference = 'Stop'
Set-Location (Join-Path $PSScriptRoot '..')
if ($env:MESH_CODE_IS_DEPLOYED -eq 'true') { exit 0 }
$env:MESH_CODE_IS_DEPLOYED = 'true'
foreach ($pause in 0, 60, 120) {
  Start-Sleep -Seconds $pause
  az deployment sub create `
    --name "$($env:AZURE_ENV_NAME)-events" `
    --subscription $env:AZURE_SUBSCRIPTION_ID `
    --location $env:AZURE_LOCATION `
    --template-file infra/main.bicep `
    --parameters infra/main.bicepparam `
    --output none
  if ($LASTEXITCODE -eq 0) {
    azd env set MESH_CODE_IS_DEPLOYED true
    Write-Output 'Events of the subscription reach Meshplane now.'
    exit 0
  }
}
exit 1
