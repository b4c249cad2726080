"""The local Azure Resource Manager: management.azure.com as recordings and API documents show it."""
