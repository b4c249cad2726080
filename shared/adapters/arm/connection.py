"""One way to Resource Manager for every part of the adapter: clients made on first use, and plain requests.

Plain requests serve what no client in the dependencies knows (private DNS, the firewalls of services), what must come
back as it was read (a subnet), and the rest of the network provider's writes: one shape for all, and its client,
which takes half a second to import, is not needed for them.
"""

from asyncio import to_thread
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

import msgspec

from shared.adapters.arm.operations import accepted
from shared.adapters.arm.translate import ArmErrors, answer_error
from shared.domain.errors import NotFound, Transient
from shared.domain.plan import Accepted

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.core.rest import AsyncHttpResponse

    from shared.adapters.arm.sdk import SdkClients

type Body = dict[str, object]


class Document(NamedTuple):
    """A resource as it was read, with what a conditional write names it by; empty where the type has no etags."""

    body: Body
    etag: str


class ArmConnection:
    """Resource Manager at one endpoint.

    `scope` is what tokens are asked for (`https://management.azure.com/.default`; sovereign clouds have their own).
    `ca_file` names a certificate authority to trust instead of the machine's.
    """

    def __init__(
        self, endpoint: str, credential: "AsyncTokenCredential", scope: str, *, ca_file: str = ""
    ) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._credential = credential
        self._scope = scope
        self._ca_file = ca_file
        self._made: SdkClients | None = None

    async def close(self) -> None:
        if self._made is not None:
            await self._made.close()
            self._made = None

    async def _read(self, url: str, target: str) -> bytes:
        """The body at an address of the endpoint."""
        return (await self._send("GET", url, target)).content

    async def _get(self, resource: str, version: str) -> Document:
        """A resource as JSON. Raises NotFound."""
        response = await self._send("GET", self._url(resource, version), resource)
        body = decoded(response.content, dict[str, object], resource)
        etag = response.headers.get("etag") or body.get("etag")
        return Document(body, etag if isinstance(etag, str) else "")

    async def _put(self, resource: str, version: str, body: Body, **headers: str) -> Accepted:
        return await self._write("PUT", resource, version, body, headers)

    async def _patch(self, resource: str, version: str, body: Body, **headers: str) -> Accepted:
        return await self._write("PATCH", resource, version, body, headers)

    async def _delete(self, resource: str, version: str) -> Accepted:
        """What is not there is deleted."""
        try:
            return await self._write("DELETE", resource, version, None, {})
        except NotFound:
            return Accepted()

    async def _write(
        self, method: str, resource: str, version: str, body: Body | None, headers: Mapping[str, str]
    ) -> Accepted:
        spelled = {name.replace("_", "-"): value for name, value in headers.items() if value}
        url = self._url(resource, version)
        response = await self._send(method, url, resource, body, spelled)
        return accepted(response.status_code, response.headers, response.text())

    async def _send(
        self,
        method: str,
        url: str,
        target: str,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> "AsyncHttpResponse":
        """The answer to one request. Raises ours for an error status."""
        clients = await self._sdk()
        from azure.core.rest import HttpRequest

        with ArmErrors(target):
            response = await clients.send(HttpRequest(method, url, json=body, headers=dict(headers or {})))
        if response.status_code >= 300:
            raise answer_error(response.status_code, response.headers, response.text(), target)
        return response

    def _url(self, resource: str, version: str) -> str:
        return f"{self._endpoint}/{uri(resource)}?api-version={version}"

    async def _sdk(self) -> "SdkClients":
        if self._made is None:
            # In a thread: it takes long enough for a lease that another invocation holds to run out.
            await to_thread(import_module, "shared.adapters.arm.sdk")
        if self._made is None:
            from shared.adapters.arm.sdk import SdkClients

            self._made = SdkClients(self._endpoint, self._credential, self._scope, self._ca_file)
        return self._made


def uri(resource: str) -> str:
    """A resource id in a URL, without slashes around: a name may hold a number sign or a question mark."""
    return quote(resource.strip("/"), safe="/()!*'~$&+,;=:@")


def decoded[T](body: bytes, kind: type[T], target: str) -> T:
    """An answer's body as a value. Raises Transient where it is cut off, or is something else."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise Transient("UnreadableAnswer", str(error), target=target) from error
