"""The command line of Meshplane: a client of its HTTP API, which knows nothing else of it."""
