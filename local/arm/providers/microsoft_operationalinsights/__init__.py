"""Microsoft.OperationalInsights: Log Analytics workspaces as resources."""
