"""The log store: Log Analytics workspaces through Azure Monitor's query API.

Workspaces are addressed by their resource ids ("Querying logs for Azure resources"), which the hubs' settings have
anyway: nobody has to look up their customer ids.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

from shared.adapters.translation import Translation
from shared.domain.errors import Denied, MeshError, Terminal, Transient, Waiting
from shared.ports.telemetry import Cell, LogTable

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.core.exceptions import HttpResponseError
    from azure.monitor.query import LogsTable
    from azure.monitor.query.aio import LogsQueryClient

# A caller of the HTTP API waits for this; the platform ends requests after 230 s.
SECONDS_TO_ANSWER = 60
_SECONDS_FOR_THE_WAY = 5
_RETRIES = 1
_LESS = "ask for fewer hours, or for one node"


class LogAnalytics:
    """LogStore over one or several workspaces; an answer has the rows of all, in the order of the workspaces.

    Where some of several do not answer, it has the rows of the others, and says so.

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
        seconds: int = SECONDS_TO_ANSWER,
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
        asked = (self._ask(client, workspace, kql, hours) for workspace in self._workspaces)
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        errors = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        answers = [outcome for outcome in outcomes if isinstance(outcome, LogTable)]
        unforeseen = [error for error in errors if not isinstance(error, MeshError)]
        if unforeseen or not answers:
            raise (unforeseen or errors)[0]
        partial = [*(answer.partial for answer in answers if answer.partial), *map(str, errors)]
        rows = tuple(row for answer in answers for row in answer.rows)
        return LogTable(answers[0].columns, rows, "; ".join(partial))

    async def close(self) -> None:
        if self._made is not None:
            await self._made.close()
            self._made = None

    async def _ask(self, client: "LogsQueryClient", workspace: str, kql: str, hours: float) -> LogTable:
        from azure.monitor.query import LogsQueryPartialResult

        with LogErrors(workspace):
            async with asyncio.timeout(self._seconds + _SECONDS_FOR_THE_WAY):
                result = await client.query_resource(
                    workspace, kql, timespan=timedelta(hours=hours), server_timeout=self._seconds
                )
        if isinstance(result, LogsQueryPartialResult):
            tables, partial = (
                result.partial_data,
                str(getattr(result.partial_error, "message", "") or "partial"),
            )
        else:
            tables, partial = result.tables, ""
        return _table(tables[0], partial) if tables else LogTable((), (), partial)

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
        from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError

        match error:
            case TimeoutError():
                message = f"no answer in time: {_LESS}"
                return Waiting("QueryTimeout", message, target=target)
            case ClientAuthenticationError():
                return Denied("LogStoreDenied", _first_line(error), target=target)
            case HttpResponseError() if error.status_code:
                return _of_status(error, error.status_code, target)
            case ValueError() | AttributeError() | KeyError() | TypeError():
                # The client takes any answer for JSON in the API's shape: a proxy's page is none.
                return Transient("UnreadableAnswer", _first_line(error), target=target)
            case AzureError():
                return Transient("LogStoreUnreachable", _first_line(error), target=target)
            case _:
                return None


def _of_status(error: "HttpResponseError", status: int, target: str) -> MeshError:
    message = str(getattr(error.model, "message", "") or _first_line(error))
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
            headers: Mapping[str, str] = getattr(error.response, "headers", {})
            after = headers.get("Retry-After", "")
            seconds = float(after) if after.isdecimal() else None
            return Waiting("LogStoreBusy", message, target=target, retry_after=seconds)
        case _:
            return Transient("LogStoreFailed", message, target=target)


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _table(table: "LogsTable", partial: str) -> LogTable:
    columns = tuple(zip(table.columns, table.columns_types, strict=True))
    return LogTable(columns, tuple(tuple(map(_cell, row)) for row in table.rows), partial)


def _cell(value: object) -> Cell:
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return cast(Cell, value)
