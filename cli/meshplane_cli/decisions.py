"""Decisions about what others may change at the same time: an edge, an alert."""

from collections.abc import Sequence

from meshplane_cli.client import Client, Json
from meshplane_cli.errors import Refused

MOST_TRIES = 5
_CHANGED = 412


def decide(
    client: Client, path: str, command: str, body: Json, if_match: str, matters: Sequence[str]
) -> Json:
    """What was decided about, afterwards.

    The decision is for the version that `if_match` names; else for the one that is read first. Meshplane writes to
    the same row while it works: where nothing changed of what the decision depends on (`matters`), it is given
    again, for the version that is there now. Raises Refused (412) where something did, or as the client does.
    """
    if if_match:
        return client.post(f"{path}/{command}", body, etag=if_match).body
    seen = client.get(path)
    for _ in range(MOST_TRIES):
        try:
            return client.post(f"{path}/{command}", body, etag=seen.etag).body
        except Refused as error:
            if error.status != _CHANGED:
                raise
            changed, before = error, seen
        seen = client.get(path)
        different = [name for name in matters if seen.body.get(name) != before.body.get(name)]
        if different:
            changed.what = f"{changed.what} Meanwhile changed: {', '.join(different)}."
            raise changed
    raise changed
