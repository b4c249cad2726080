"""The version: here and nowhere else. `scripts/release` writes it, the API says it, pyproject.toml reads it."""

VERSION = "0.4.0"
