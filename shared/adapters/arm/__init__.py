"""Resource Manager through Azure's own async clients."""
