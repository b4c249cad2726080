"""Reading what people write in YAML, strictly: every fault of every file, with its line."""
