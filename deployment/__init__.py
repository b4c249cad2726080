"""Builds the deployment package as the cloud does, and measures it."""
