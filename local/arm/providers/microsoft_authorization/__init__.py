"""Microsoft.Authorization: what the caller may do at a scope."""
