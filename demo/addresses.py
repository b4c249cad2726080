"""The addresses that `local.settings.sample.json` names, so that an app with those settings finds the local Azure."""

import json
import re
import socket
from collections.abc import Mapping
from contextlib import closing
from urllib.parse import urlsplit

from demo.stack import SAMPLE
from local.stack import Ports

FUNCTIONS_PORT = 7071
"""Where `func start` serves."""
# `UseDevelopmentStorage=true` means these, for every SDK.
_STORAGE = {"blobs": 10000, "queues": 10001, "tables": 10002}


class PortTaken(RuntimeError):
    """Something else listens where the local Azure was to."""


def sample_settings() -> dict[str, str]:
    """The values of the sample."""
    values: dict[str, str] = json.loads(SAMPLE.read_text(encoding="utf-8"))["Values"]
    return values


def sample_ports() -> Ports:
    """The ports in the sample's addresses."""
    values = sample_settings()
    event_hubs = re.search(r"Endpoint=([^;]+)", values["MESH_EVENTHUB"])
    return Ports(
        resource_manager=_port(values["MESH_RESOURCE_MANAGER"]),
        identity=_port(values["IDENTITY_ENDPOINT"]),
        logs=_port(values["MESH_LOGS"]),
        event_hubs=_port(event_hubs[1] if event_hubs else ""),
        **_STORAGE,
    )


def sample_identity() -> Mapping[str, str]:
    """The value by which the identity endpoint knows the app."""
    return {"app": sample_settings()["IDENTITY_HEADER"]}


def sample_event_hubs_key() -> str:
    """The key that the sample's connection string of Event Hubs holds."""
    found = re.search(r"SharedAccessKey=([^;]+)", sample_settings()["MESH_EVENTHUB"])
    if found is None:
        raise ValueError("local.settings.sample.json names no key in MESH_EVENTHUB")
    return found[1]


def check_free(ports: Mapping[str, int]) -> None:
    """Raises PortTaken that names every port on which something listens; 0 stands for any."""
    taken = [f"{port} ({name.replace('_', ' ')})" for name, port in ports.items() if port and _is_taken(port)]
    if taken:
        raise PortTaken(
            f"Something else listens on {', '.join(taken)}. Stop it, or have free ports chosen: "
            "make up ARGS=--free-ports"
        )


def _port(address: str) -> int:
    port = urlsplit(address).port
    if port is None:
        raise ValueError(f"local.settings.sample.json names no port in {address!r}")
    return port


def _is_taken(port: int) -> bool:
    with closing(socket.socket()) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False
