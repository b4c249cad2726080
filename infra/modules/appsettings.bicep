metadata description = 'The settings of the function app. In a file of their own, since a lambda may not look into what only a deployment knows, and so that no deployment\'s history shows them.'

@description('The function app.')
param functionAppName string

@description('The settings by name. Those that are empty are left out, so that the code\'s own default counts.')
@secure()
param settings object

resource site 'Microsoft.Web/sites@2024-11-01' existing = {
  name: functionAppName
}

resource appSettings 'Microsoft.Web/sites/config@2024-11-01' = {
  parent: site
  name: 'appsettings'
  properties: toObject(filter(items(settings), setting => !empty(setting.value)), setting => setting.key, setting => setting.value)
}
