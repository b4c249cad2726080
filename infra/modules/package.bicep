metadata description = 'Deploys the app\'s package from an address, for who deploys without azd. Exactly what azd does after the infrastructure is there.'

@description('The name of the function app.')
param functionAppName string

@description('Where the package is, such as a release\'s asset; the deployment service has to reach it. May hold a signature.')
@secure()
param packageUri string

@description('Whether Azure installs requirements.txt. Not where the package holds the libraries for Linux and Python 3.13 already.')
param remoteBuild bool

resource site 'Microsoft.Web/sites@2024-11-01' existing = {
  name: functionAppName
}

resource deployment 'Microsoft.Web/sites/extensions@2024-11-01' = {
  parent: site
  name: 'onedeploy'
  #disable-next-line BCP187
  properties: {
    packageUri: packageUri
    remoteBuild: remoteBuild
  }
}
