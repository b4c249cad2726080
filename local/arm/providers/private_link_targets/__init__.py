"""What private endpoints lead to: the private link resources of services, and the connections made to them."""
