"""Azure Monitor's custom metrics ("Ingest custom metrics for an Azure resource using the REST API").

The identity needs the role Monitoring Metrics Publisher on the resource; the address is that of the resource's region,
`https://<region>.monitoring.azure.com`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from shared.adapters.http import HttpSender
from shared.domain.errors import Transient

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

SCOPE = "https://monitoring.azure.com/.default"
NAMESPACE = "Meshplane"


class CustomMetrics:
    """Metrics of one resource."""

    def __init__(
        self, endpoint: str, resource: str, credential: "AsyncTokenCredential", sender: HttpSender
    ) -> None:
        self._url = f"{endpoint.rstrip('/')}{quote(resource, safe='/().-_')}/metrics"
        self._credential = credential
        self._sender = sender

    async def publish(self, name: str, dimensions: Mapping[str, str], value: float, at: datetime) -> None:
        from azure.core.exceptions import AzureError

        try:
            token = await self._credential.get_token(SCOPE)
        except AzureError as error:
            # An identity that is refused and one that is not answered look alike.
            raise Transient("NoToken", type(error).__name__) from error
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token.token}"}
        await self._sender.post(self._url, point(name, dimensions, value, at), headers)


def point(name: str, dimensions: Mapping[str, str], value: float, at: datetime) -> bytes:
    """The body of one value; a metric has at most ten dimensions."""
    series = {"dimValues": list(dimensions.values()), "min": value, "max": value, "sum": value, "count": 1}
    metric = {"metric": name, "namespace": NAMESPACE, "dimNames": list(dimensions), "series": [series]}
    time = at.astimezone(UTC).isoformat(timespec="seconds")
    return msgspec.json.encode({"time": time, "data": {"baseData": metric}})
