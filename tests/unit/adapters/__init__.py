"""Adapters without their outside thing."""
