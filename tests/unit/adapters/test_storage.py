"""Storage: how it is reached, and its errors as ours."""

import pytest
from azure.core import exceptions as core

from shared.adapters.queue import StorageWorkQueue
from shared.adapters.storage import StorageConnection, StorageErrors
from shared.adapters.tables.table import TableStorage
from shared.domain.errors import Conflict, Denied, MeshError, NotFound, Terminal, Transient
from shared.ports import WorkItem
from tests.unit.adapters.credential import CountingCredential


class Answer:
    """As much of a response as azure-core's errors read."""

    request = None
    reason = "because"
    content_type = "application/json"
    headers: dict[str, str] = {}  # noqa: RUF012

    def __init__(self, status: int, code: str) -> None:
        self.status_code = status
        self._body = f'{{"odata.error": {{"code": "{code}", "message": {{"value": "m"}}}}}}'

    def text(self, encoding: str | None = None) -> str:
        return self._body


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (404, "TableNotFound", NotFound),
        (409, "EntityAlreadyExists", Conflict),
        (412, "UpdateConditionNotSatisfied", Conflict),
        (409, "TableBeingDeleted", Transient),
        (429, "TooManyRequests", Transient),
        (500, "OperationTimedOut", Transient),
        (503, "ServerBusy", Transient),
        (403, "AuthorizationPermissionMismatch", Denied),
        (401, "NoAuthenticationInformation", Denied),
        (400, "PropertyValueTooLarge", Terminal),
        (413, "RequestBodyTooLarge", Terminal),
    ],
)
def test_an_answer_is_judged_by_its_code_and_status(status: int, code: str, kind: type[MeshError]) -> None:
    answered = core.HttpResponseError(response=Answer(status, code))
    with pytest.raises(MeshError) as raised, StorageErrors("nodes/p/r"):
        raise answered
    assert (type(raised.value), raised.value.reason, raised.value.target) == (kind, code, "nodes/p/r")
    assert raised.value.__cause__ is answered


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (core.ServiceRequestError("refused"), Transient),
        (core.ServiceResponseError("cut"), Transient),
        (TimeoutError(), Transient),
        (core.ClientAuthenticationError("no token"), Denied),
    ],
)
def test_what_happens_on_the_way_is_ours_too(error: Exception, kind: type[MeshError]) -> None:
    with pytest.raises(MeshError) as raised, StorageErrors("t"):
        raise error
    assert type(raised.value) is kind


async def test_endpoints_without_a_credential_are_refused_by_name() -> None:
    connection = StorageConnection(tables_endpoint="https://a.test", queues_endpoint="https://a.test")
    with pytest.raises(Terminal, match="NoCredential"):
        TableStorage(connection).service()
    with pytest.raises(Terminal, match="NoCredential"):
        StorageWorkQueue(connection, "work").client()


async def test_endpoints_are_reached_with_a_token_for_storage(unused_tcp_port: int) -> None:
    nowhere = f"https://127.0.0.1:{unused_tcp_port}"
    connection = StorageConnection(tables_endpoint=nowhere, queues_endpoint=nowhere)
    credential = CountingCredential()
    storage, queue = TableStorage(connection, credential), StorageWorkQueue(connection, "work", credential)
    with pytest.raises(Transient):
        await storage.table("nodes").get("p", "r")
    with pytest.raises(Transient):
        await queue.enqueue(WorkItem("node/s/g"))
    assert set(credential.asked) == {"https://storage.azure.com/.default"}
    await storage.close()
    await queue.close()
