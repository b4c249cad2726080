"""What a resource group may be called. Every request that names one is judged, whatever it asks for."""

import re

from local.arm.errors import ArmError

_INVALID_NAME = re.compile(r"[^\w\-.()]")
_LONGEST_NAME = 90


def check_group_name(name: str) -> None:
    """https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules#microsoftresources."""
    invalid = "".join(dict.fromkeys(_INVALID_NAME.findall(name)))
    if invalid:
        raise ArmError(
            400,
            "InvalidResourceGroup",
            f"The provided resource group name '{name}' has these invalid characters: '{invalid}'. The name can "
            "only be a letter, digit, '-', '.', '(', ')' or '_'.",
        )
    if len(name) > _LONGEST_NAME or name.endswith("."):
        raise ArmError(
            400,
            "InvalidResourceGroup",
            f"The provided resource group name '{name}' must be at most {_LONGEST_NAME} characters and must not "
            "end with a period.",
        )
