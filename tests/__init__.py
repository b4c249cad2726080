"""Every test of Meshplane and of the local Azure it runs on."""
