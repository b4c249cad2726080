"""The event services of the local Azure: Event Grid delivery and Event Hubs."""
