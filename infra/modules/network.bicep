metadata description = 'The network that the app itself lies in: a subnet for the app, one for private endpoints. It is no node unless somebody tags its group.'

@description('Its name.')
param name string

@description('Where it lies.')
param location string

@description('Tags of everything in it.')
param tags object

@description('Its address space, /25 or larger: half of it for the app (a /26 serves 1,000 small instances), a quarter for endpoints.')
param addressPrefix string

@description('Whether the app gets a NAT gateway: a fixed outbound address, and a way out where subnets have none by default.')
param natGateway bool

var bits = int(split(addressPrefix, '/')[1])

resource appRules 'Microsoft.Network/networkSecurityGroups@2024-05-01' = {
  name: 'nsg-${name}-app'
  location: location
  tags: tags
  properties: {
    securityRules: [
      {
        name: 'nobody-comes-in'
        properties: {
          priority: 4096
          direction: 'Inbound'
          access: 'Deny'
          protocol: '*'
          sourceAddressPrefix: 'Internet'
          sourcePortRange: '*'
          destinationAddressPrefix: '*'
          destinationPortRange: '*'
        }
      }
    ]
  }
}

resource endpointRules 'Microsoft.Network/networkSecurityGroups@2024-05-01' = {
  name: 'nsg-${name}-endpoints'
  location: location
  tags: tags
  properties: {
    securityRules: [
      {
        name: 'only-tls-and-amqp'
        properties: {
          priority: 100
          direction: 'Inbound'
          access: 'Allow'
          protocol: 'Tcp'
          sourceAddressPrefix: 'VirtualNetwork'
          sourcePortRange: '*'
          destinationAddressPrefix: 'VirtualNetwork'
          destinationPortRanges: [
            '443'
            '5671-5672'
          ]
        }
      }
      {
        name: 'nothing-else'
        properties: {
          priority: 4096
          direction: 'Inbound'
          access: 'Deny'
          protocol: '*'
          sourceAddressPrefix: '*'
          sourcePortRange: '*'
          destinationAddressPrefix: '*'
          destinationPortRange: '*'
        }
      }
    ]
  }
}

resource outboundAddress 'Microsoft.Network/publicIPAddresses@2024-05-01' = if (natGateway) {
  name: 'pip-${name}-out'
  location: location
  tags: tags
  sku: {
    name: 'Standard'
  }
  properties: {
    publicIPAllocationMethod: 'Static'
  }
}

resource outbound 'Microsoft.Network/natGateways@2024-05-01' = if (natGateway) {
  name: 'nat-${name}'
  location: location
  tags: tags
  sku: {
    name: 'Standard'
  }
  properties: {
    publicIpAddresses: [
      {
        id: outboundAddress.id
      }
    ]
  }
}

// Subnets are resources of their own: a deployment that names them inside the network would take away those added since.
resource network 'Microsoft.Network/virtualNetworks@2024-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: [
        addressPrefix
      ]
    }
  }
}

resource app 'Microsoft.Network/virtualNetworks/subnets@2024-05-01' = {
  parent: network
  name: 'app'
  properties: {
    addressPrefix: cidrSubnet(addressPrefix, bits + 1, 0)
    networkSecurityGroup: {
      id: appRules.id
    }
    natGateway: natGateway ? { id: outbound.id } : null
    delegations: [
      {
        name: 'flex-consumption'
        properties: {
          serviceName: 'Microsoft.App/environments'
        }
      }
    ]
    serviceEndpoints: [
      {
        service: 'Microsoft.Storage'
      }
      {
        service: 'Microsoft.EventHub'
      }
    ]
  }
}

// A network takes one write at a time.
resource endpoints 'Microsoft.Network/virtualNetworks/subnets@2024-05-01' = {
  parent: network
  name: 'private-endpoints'
  properties: {
    addressPrefix: cidrSubnet(addressPrefix, bits + 2, 2)
    networkSecurityGroup: {
      id: endpointRules.id
    }
    privateEndpointNetworkPolicies: 'NetworkSecurityGroupEnabled'
  }
  dependsOn: [
    app
  ]
}

@description('The network\'s resource id.')
output id string = network.id

@description('The resource id of the subnet that the app is integrated with.')
output appSubnetId string = app.id

@description('The resource id of the subnet for private endpoints.')
output endpointSubnetId string = endpoints.id
