"""The log store: Log Analytics workspaces through Azure Monitor's query API.

Workspaces are addressed by their resource ids ("Querying logs for Azure resources"), which the hubs' settings have
anyway: nobody has to look up their customer ids. Several are asked in one request, so that what a query counts is
counted over all of them. The request is written here because the client, for resources, sends the others under a name
that the REST API does not have; address, tokens and retries are the client's.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from shared.adapters.translation import Translation
from shared.domain.errors import Denied, MeshError, Terminal, Transient, Waiting
from shared.ports.telemetry import Cell, LogTable

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.core.rest import AsyncHttpResponse
    from azure.monitor.query.aio import LogsQueryClient

# A caller of the HTTP API waits for this; the platform ends requests after 230 s.
SECONDS_TO_ANSWER = 60
_WITH_THE_WAY = 1.1  # of the time that the store itself takes at most
_RETRIES = 1
_LESS = "ask for fewer hours, or for one node"


class _Fault(msgspec.Struct):
    """An error of the API; the innermost says what is the matter."""

    code: str = ""
    message: str = ""
    innererror: "_Fault | None" = None
    details: "list[_Fault]" = []

    @property
    def words(self) -> str:
        inner = self.innererror or next(iter(self.details), None)
        return (inner.words if inner else "") or self.message or self.code


class _Column(msgspec.Struct):
    name: str
    type: str


class _Table(msgspec.Struct):
    columns: list[_Column]
    rows: list[list[str | int | float | bool | None]]


class _Answer(msgspec.Struct):
    """The body of any answer; beside tables, an error says that they are not all."""

    tables: list[_Table] = []
    error: _Fault | None = None


class LogAnalytics:
    """LogStore over one or several workspaces.

    `endpoint` is the query API's address (`https://api.loganalytics.azure.com`; sovereign clouds have their own), or
    empty where there is none; `scope` what tokens are asked for. `ca_file` names a certificate authority to trust
    instead of the machine's, `seconds` how long a caller waits.
    """

    def __init__(
        self,
        endpoint: str,
        scope: str,
        workspaces: Sequence[str],
        credential: "AsyncTokenCredential",
        *,
        ca_file: str = "",
        seconds: float = SECONDS_TO_ANSWER,
    ) -> None:
        self._endpoint = endpoint
        self._scope = scope
        self._workspaces = tuple(dict.fromkeys(workspaces))
        self._credential = credential
        self._ca_file = ca_file
        self._seconds = seconds
        self._made: LogsQueryClient | None = None

    async def query(self, kql: str, *, hours: float) -> LogTable:
        client = self._client()
        from azure.core.rest import HttpRequest

        first, *others = self._workspaces
        body = {"query": kql, "timespan": f"PT{round(hours * 3600)}S", "workspaces": others}
        headers = {"Prefer": f"wait={max(1, round(self._seconds))}"}
        request = HttpRequest("POST", f"{first.strip('/')}/query", json=body, headers=headers)
        with LogErrors(first):
            async with asyncio.timeout(self._seconds * _WITH_THE_WAY):
                response = await client.send_request(request)
        answer = _read(response.content)
        if response.status_code != 200:
            raise _refusal(response, answer, first)
        if answer is None or not answer.tables:
            raise Transient("UnreadableAnswer", "the log store answered no table", target=first)
        return _log_table(answer.tables[0], answer.error)

    async def close(self) -> None:
        if self._made is not None:
            await self._made.close()
            self._made = None

    def _client(self) -> "LogsQueryClient":
        if not self._endpoint:
            message = "MESH_LOGS names no log store: set it to the address of Azure Monitor's query API"
            raise Terminal("LogStoreMissing", message)
        if self._made is None:
            from azure.monitor.query.aio import LogsQueryClient

            self._made = LogsQueryClient(
                self._credential,
                endpoint=self._endpoint,
                credential_scopes=[self._scope],
                retry_total=_RETRIES,
                retry_status=0,
                connection_verify=self._ca_file or True,
            )
        return self._made


class LogErrors(Translation):
    """Translates what azure-monitor-query raises inside a `with` block."""

    def translate(self, error: BaseException, target: str) -> MeshError | None:
        from azure.core.exceptions import AzureError, ClientAuthenticationError

        message = str(error).splitlines()[0] if str(error) else type(error).__name__
        match error:
            case TimeoutError():
                return Waiting("QueryTimeout", f"no answer in time: {_LESS}", target=target)
            case ClientAuthenticationError():
                return Denied("LogStoreDenied", message, target=target)
            case AzureError():
                return Transient("LogStoreUnreachable", message, target=target)
            case _:
                return None


def _read(content: bytes) -> _Answer | None:
    """None where it is something else: a proxy's page, for one."""
    try:
        return msgspec.json.decode(content, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _refusal(response: "AsyncHttpResponse", answer: _Answer | None, target: str) -> MeshError:
    status, headers = response.status_code, response.headers
    message = answer.error.words if answer and answer.error else f"the log store answered {status}"
    match status:
        case 400:
            return Terminal("QueryInvalid", message, target=target)
        case 401 | 403:
            return Denied("LogStoreDenied", message, target=target)
        case 404:
            return Terminal("WorkspaceMissing", message, target=target)
        case 408 | 504:
            return Waiting("QueryTimeout", f"{message}: {_LESS}", target=target)
        case 429:
            return Waiting("LogStoreBusy", message, target=target, retry_after=_seconds(headers))
        case _:
            return Transient("LogStoreFailed", message, target=target)


def _seconds(headers: Mapping[str, str]) -> float | None:
    after = headers.get("Retry-After", "")
    return float(after) if after.isdecimal() else None


def _log_table(table: _Table, error: _Fault | None) -> LogTable:
    kinds = [column.type for column in table.columns]
    rows = tuple(tuple(map(_cell, kinds, row)) for row in table.rows)
    columns = tuple((column.name, column.type) for column in table.columns)
    return LogTable(columns, rows, error.words if error else "")


def _cell(kind: str, value: str | float | bool | None) -> Cell:
    if kind == "datetime" and isinstance(value, str):
        return datetime.fromisoformat(value).astimezone(UTC)
    return value
