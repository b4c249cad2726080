"""The whole history of something, which the API gives a page at a time beside what it shows of the thing itself."""

from meshplane_cli.client import Client, Json


def with_history(client: Client, path: str, *, whole: bool) -> Json:
    """One thing with its newest changes, or with all of them. Raises as `Client.get`."""
    found = client.get(path).body
    while whole and found.get("more_history"):
        older = client.get(path, {"history": found["more_history"]}).body
        found["history"] += older.get("history", [])
        found["more_history"] = older.get("more_history", "")
    return found
