"""The handlers `webhook:<name>`: a signed POST of each notice to an address from the settings.

Headers of each:

    X-Meshplane-Notice      the notice's id, the same on every try
    X-Meshplane-Timestamp   seconds since 1970, of this try
    X-Meshplane-Signature   v1= and the HMAC-SHA256, in hex, of timestamp, full stop and body, under the secret
"""

import hmac
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Literal

import msgspec

from shared.ports import Clock
from shared.ports.telemetry import Notice, Sender
from shared.telemetry.handlers.common_schema import common_alert
from shared.telemetry.handlers.slack import slack_message
from shared.telemetry.handlers.teams import teams_message

type Template = Literal["common", "teams", "slack"]

TEMPLATES: Mapping[Template, Callable[[Notice], object | None]] = {
    "common": common_alert,
    "teams": teams_message,
    "slack": slack_message,
}
"""What makes a body of a notice; None where it has nothing to say of it."""


class Webhook:
    """Handler; one for each address. Without a secret, notices are not signed."""

    def __init__(
        self, name: str, url: str, template: Template, secret: str, sender: Sender, clock: Clock
    ) -> None:
        self.name = f"webhook:{name}"
        self._url = url
        self._template = TEMPLATES[template]
        self._secret = secret
        self._sender = sender
        self._clock = clock

    async def handle(self, notice: Notice) -> None:
        message = self._template(notice)
        if message is None:
            return
        body = msgspec.json.encode(message)
        headers = {"Content-Type": "application/json", "X-Meshplane-Notice": notice.id}
        if self._secret:
            timestamp = str(int(self._clock.now().timestamp()))
            headers["X-Meshplane-Timestamp"] = timestamp
            headers["X-Meshplane-Signature"] = signature(self._secret, timestamp, body)
        await self._sender.post(self._url, body, headers)


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """What a receiver computes as well."""
    signed = timestamp.encode() + b"." + body
    return "v1=" + hmac.new(secret.encode(), signed, sha256).hexdigest()
