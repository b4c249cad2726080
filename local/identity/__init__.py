"""The managed identity endpoint, and the access tokens it issues."""
