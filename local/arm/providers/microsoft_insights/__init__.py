"""Microsoft.Insights: diagnostic settings and their categories."""
