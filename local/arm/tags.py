"""The rules for tags, the same on groups and resources.

https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources#limitations
"""

from collections.abc import Mapping

from local.arm.errors import ArmError

LONGEST_NAME = 512
LONGEST_VALUE = 256
MOST = 50
_FORBIDDEN = "<>%&\\?/"


def check(tags: Mapping[str, str]) -> None:
    """Refuse too many tags, names or values that are too long, and names with characters Azure forbids."""
    if len(tags) > MOST:
        raise ArmError(
            400,
            "InvalidTags",
            f"The number of tags on the resource is '{len(tags)}', which exceeds the maximum of '{MOST}'.",
        )
    if len({name.lower() for name in tags}) < len(tags):
        raise ArmError(400, "InvalidTagName", "Tag names are not case-sensitive and must be unique.")
    for name, value in tags.items():
        if not name or len(name) > LONGEST_NAME:
            raise ArmError(
                400,
                "InvalidTagNameLength",
                f"The tag name '{name}' exceeds the maximum tag name length of '{LONGEST_NAME}' characters.",
            )
        if any(character in _FORBIDDEN for character in name):
            raise ArmError(
                400,
                "InvalidTagNameCharacters",
                f"The tag names '{name}' have reserved characters '<,>,%,&,\\,?,/' or control characters.",
            )
        if len(value) > LONGEST_VALUE:
            raise ArmError(
                400,
                "InvalidTagValueLength",
                f"Tag value too large. Following tag value '{value}' exceeded the maximum length. "
                f"Maximum allowed length for tag value - '{LONGEST_VALUE}' characters.",
            )


def merge(tags: Mapping[str, str], change: Mapping[str, str]) -> dict[str, str]:
    """Existing names keep their spelling; names are compared without regard to case, as Azure does."""
    spelled = {name.lower(): name for name in tags}
    result = dict(tags)
    for name, value in change.items():
        result[spelled.get(name.lower(), name)] = value
    return result


def without(tags: Mapping[str, str], removed: Mapping[str, str]) -> dict[str, str]:
    """Remove the tags whose name and value both match."""
    gone = {name.lower(): value for name, value in removed.items()}
    return {name: value for name, value in tags.items() if gone.get(name.lower()) != value}
