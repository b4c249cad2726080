"""Every resource type without a provider of its own here: stored, listed, deleted, with a few defaults."""
