"""Decisions about keys: what an event touches, what a node needs, what to do next. Speaks only to ports."""
