"""Event Grid of the local Azure: subscriptions, handshake, delivery."""
