metadata description = 'A hub that is made: its network, the private DNS zones that nodes are linked to, and a VPN gateway where it is asked for.'

@description('The network\'s name.')
param name string

@description('Where it lies.')
param location string

@description('Tags of everything in it.')
param tags object

@description('Its address space, /24 or larger: half of it for private endpoints, an eighth for the gateway, the rest for what is added.')
param addressPrefix string

@description('Whether a VPN gateway is made. That takes about half an hour, and is billed by the hour.')
param gateway bool

@description('Names of the private DNS zones that are made, privatelink.…')
param zoneNames string[]

var bits = int(split(addressPrefix, '/')[1])

resource rules 'Microsoft.Network/networkSecurityGroups@2024-05-01' = {
  name: 'nsg-${name}'
  location: location
  tags: tags
  properties: {
    securityRules: []
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

resource endpoints 'Microsoft.Network/virtualNetworks/subnets@2024-05-01' = {
  parent: network
  name: 'private-endpoints'
  properties: {
    addressPrefix: cidrSubnet(addressPrefix, bits + 1, 0)
    networkSecurityGroup: {
      id: rules.id
    }
    privateEndpointNetworkPolicies: 'Enabled'
  }
}

// A network takes one write at a time.
resource gatewaySubnet 'Microsoft.Network/virtualNetworks/subnets@2024-05-01' = if (gateway) {
  parent: network
  name: 'GatewaySubnet'
  properties: {
    addressPrefix: cidrSubnet(addressPrefix, bits + 3, 4)
  }
  dependsOn: [
    endpoints
  ]
}

resource gatewayAddress 'Microsoft.Network/publicIPAddresses@2024-05-01' = if (gateway) {
  name: 'pip-${name}-gateway'
  location: location
  tags: tags
  sku: {
    name: 'Standard'
  }
  zones: pickZones('Microsoft.Network', 'publicIPAddresses', location, 3)
  properties: {
    publicIPAllocationMethod: 'Static'
  }
}

resource vpn 'Microsoft.Network/virtualNetworkGateways@2024-05-01' = if (gateway) {
  name: 'vpng-${name}'
  location: location
  tags: tags
  properties: {
    gatewayType: 'Vpn'
    vpnType: 'RouteBased'
    vpnGatewayGeneration: 'Generation1'
    sku: {
      name: 'VpnGw1AZ'
      tier: 'VpnGw1AZ'
    }
    ipConfigurations: [
      {
        name: 'default'
        properties: {
          privateIPAllocationMethod: 'Dynamic'
          publicIPAddress: {
            id: gatewayAddress.id
          }
          subnet: {
            id: gatewaySubnet.id
          }
        }
      }
    ]
  }
}

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for zone in zoneNames: {
    name: zone
    location: 'global'
    tags: tags
  }
]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (zone, index) in zoneNames: {
    parent: zones[index]
    name: name
    location: 'global'
    tags: tags
    properties: {
      registrationEnabled: false
      virtualNetwork: {
        id: network.id
      }
    }
  }
]

@description('The network\'s resource id.')
output networkId string = network.id

@description('The resource id of its subnet for private endpoints.')
output endpointSubnetId string = endpoints.id
