"""The local Azure, tested on its own."""
