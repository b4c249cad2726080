"""The mesh's roles in infra/roles: exact, and what people see when one is missing."""
