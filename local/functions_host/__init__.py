"""A local Azure Functions host: it feeds triggers to an app that runs on Microsoft's own Python runtime."""
