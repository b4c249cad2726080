"""The worker process: Microsoft's runtime library, the app, and the pipe to the host."""
