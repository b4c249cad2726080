"""Microsoft.Network: virtual networks, subnets, peerings."""
