"""Disorder on the whole stack: workers die, events vanish, Azure fails; the mesh ends as if nothing had happened."""
