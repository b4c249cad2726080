"""The host process: listeners, keys, retries and worker processes. It never imports the app."""
