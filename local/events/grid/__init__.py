"""Event Grid: event subscriptions as Resource Manager resources, and delivery of resource events to webhooks."""
