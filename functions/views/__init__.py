"""What the HTTP API shows: shapes of their own, so that records may change without breaking callers.

Imported by the answers that show them.
"""
