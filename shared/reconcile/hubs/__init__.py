"""Hubs as keys of their own: pairs between hubs, what is left on them of nodes that are gone, and their headroom."""
