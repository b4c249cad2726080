"""Microsoft.Resources: subscriptions, resource groups, tags, lists of resources."""
