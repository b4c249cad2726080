"""Private endpoints: their interfaces and addresses, connections to services, and zone groups."""
