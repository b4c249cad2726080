"""The local Azure as processes: how they start, where they are, and that every one of them ends."""
