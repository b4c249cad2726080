"""The document of permissions."""

from local.arm.documents import JsonObject


def permissions_document() -> JsonObject:
    """One page: a role that allows everything, as `Owner` does."""
    everything: JsonObject = {"actions": ["*"], "notActions": [], "dataActions": [], "notDataActions": []}
    return {"value": [everything]}
