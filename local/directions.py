"""How people connect to a running local Azure: the addresses, and the lines that point the az CLI at it."""

import json
from dataclasses import asdict
from shlex import quote

from local.stack import Endpoints


def az_commands(endpoints: Endpoints, principal: str) -> list[str]:
    """Shell lines after which `az` works against the local Resource Manager, signed in as `principal`.

    They use a configuration folder of their own, so the reader's own clouds and logins stay as they are.
    """
    return [
        "export AZURE_CONFIG_DIR=$(mktemp -d)",
        f"export REQUESTS_CA_BUNDLE={quote(str(endpoints.ca_bundle))}",
        f"export IDENTITY_ENDPOINT={endpoints.identity_endpoint}",
        f"export IDENTITY_HEADER={endpoints.identity_headers[principal]}",
        f"az cloud register --name local --endpoint-resource-manager {endpoints.resource_manager}",
        "az cloud set --name local",
        "az login --identity",
        "az group list",
    ]


def for_people(endpoints: Endpoints, principal: str) -> str:
    """Every address, and how to use `az`."""
    addresses = {
        "Resource Manager": endpoints.resource_manager,
        "Control": endpoints.control,
        "Managed identity": endpoints.identity_endpoint,
        "Blobs": endpoints.blobs,
        "Queues": endpoints.queues,
        "Tables": endpoints.tables,
        "Event Hubs": endpoints.event_hubs_namespace or "(none: start with --hub NAME=PARTITIONS)",
        "Logs": endpoints.logs or "(none: start with --logged HUB=records)",
        "Subscriptions": ", ".join(endpoints.subscriptions),
        "Authority": str(endpoints.ca_file),
    }
    rows = [f"  {name:<17} {value}" for name, value in addresses.items()]
    commands = [f"  {line}" for line in az_commands(endpoints, principal)]
    return "\n".join(["The local Azure runs.", *rows, "", "The az CLI, in another terminal:", *commands])


def for_machines(endpoints: Endpoints) -> str:
    """One JSON line: the fields of Endpoints and `"ready": true`."""
    return json.dumps({"ready": True, **asdict(endpoints)}, default=str)
