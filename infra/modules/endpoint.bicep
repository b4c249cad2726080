metadata description = 'A private endpoint to one part of a resource, and the zone that names it.'

@description('The endpoint\'s name.')
param name string

@description('Where its subnet lies.')
param location string

@description('Tags of it.')
param tags object

@description('The resource that it leads to.')
param targetId string

@description('The part of that resource, such as blob, namespace or sites.')
param part string

@description('The subnet that it lies in.')
param subnetId string

@description('The private DNS zone that is made for it and linked to the network, privatelink.…')
param zoneName string

@description('The resource id of a zone of that name that is there already. Empty: one is made.')
param existingZoneId string = ''

@description('The network that a zone that is made is linked to.')
param networkId string

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = if (empty(existingZoneId)) {
  name: zoneName
  location: 'global'
  tags: tags
}

resource link 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = if (empty(existingZoneId)) {
  parent: zone
  name: last(split(networkId, '/'))
  location: 'global'
  tags: tags
  properties: {
    registrationEnabled: false
    virtualNetwork: {
      id: networkId
    }
  }
}

resource endpoint 'Microsoft.Network/privateEndpoints@2024-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    customNetworkInterfaceName: 'nic-${name}'
    subnet: {
      id: subnetId
    }
    privateLinkServiceConnections: [
      {
        name: part
        properties: {
          privateLinkServiceId: targetId
          groupIds: [
            part
          ]
        }
      }
    ]
  }
}

resource names 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-05-01' = {
  parent: endpoint
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [
      {
        name: replace(zoneName, '.', '-')
        properties: {
          privateDnsZoneId: empty(existingZoneId) ? zone.id : existingZoneId
        }
      }
    ]
  }
}

@description('The endpoint\'s resource id.')
output id string = endpoint.id
