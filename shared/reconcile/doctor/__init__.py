"""Examining a deployment: its settings, its identity's rights, and how far behind the mesh is."""
