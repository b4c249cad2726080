"""Private DNS: zones, their links to virtual networks, and record sets."""
