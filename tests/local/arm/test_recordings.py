"""Recorded requests to the real Resource Manager, sent again to the local one: the answers must be alike.

Statuses, error codes and bodies are compared value by value, except for what Azure makes up (etags, guids) and
for fields that only some api-versions have. Polling URLs are translated; of repeated polls the last one counts.
"""

import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest
import yaml

from local.arm.documents import Json, JsonObject
from local.arm.operations import OperationsMode
from tests.support.local_arm import AT_ONCE, Answer, LocalArm, running_arm

RECORDINGS = Path(__file__).resolve().parents[4] / "shared" / "real-data" / "B-recordings"
SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
HOST = "https://management.azure.com"
MADE_UP = {"etag", "resourceGuid"}
# Present or absent depending on the api-version, or details of resources that are only scenery here.
VERSIONED = {
    "ipamPoolPrefixAllocations",
    "privateEndpointVNetPolicies",
    "enableVmProtection",
    "ipConfigurations",
}
POLLING = re.compile(r"/operations/|/operationresults/|/asyncoperations/", re.IGNORECASE)

pytestmark = pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings of real Azure are not here")


@dataclass(frozen=True, slots=True)
class Exchange:
    method: str
    url: str
    sent: object
    status: int
    headers: dict[str, str]
    body: Json

    @property
    def polling(self) -> bool:
        return POLLING.search(self.url) is not None


def _exchanges(path: Path) -> list[Exchange]:
    document = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return [_exchange(item["request"], item["response"]) for item in document["interactions"]]


def _exchange(request: dict[str, object], response: dict[str, object]) -> Exchange:
    raw_headers = cast(dict[str, list[str]], response["headers"])
    status = response.get("code") or cast(dict[str, int], response["status"])["code"]
    body = response["body"]
    text = cast(dict[str, str], body)["string"] if isinstance(body, dict) else cast(str, body)
    sent = _decoded(cast(str | None, request.get("body")))
    return Exchange(
        method=cast(str, request["method"]).upper(),
        url=cast(str, request.get("uri") or request["url"]),
        sent=sent,
        status=cast(int, status),
        headers={name.lower(): ", ".join([*values]) for name, values in raw_headers.items()},
        body=json.loads(text) if text and text.strip() else None,
    )


def _decoded(text: str | None) -> object:
    """Request bodies; some were recorded as the text of a bytes literal within another."""
    match = re.fullmatch(r"(?:b\\?')*(.*?)(?:\\?')*", text or "", re.DOTALL)
    return json.loads(match[1]) if match and match[1] else None


@dataclass(slots=True)
class Replay:
    """Sends recorded requests in their order and remembers which polling URL here stands for which recorded one."""

    arm: LocalArm
    urls: dict[str, str] = field(default_factory=dict)

    async def send(self, recorded: Exchange) -> Answer:
        url = self.urls.get(recorded.url, recorded.url.replace(HOST, ""))
        answer = await self.arm.call(recorded.method, url, recorded.sent, version=None)
        if not recorded.polling:
            for name in ("azure-asyncoperation", "location"):
                if name in recorded.headers and name in answer.headers:
                    self.urls[recorded.headers[name]] = answer.headers[name]
        return answer


def _differences(recorded: Json, ours: Json, where: str = "") -> Iterator[str]:
    if isinstance(recorded, dict) and isinstance(ours, dict):
        for name in sorted({*recorded, *ours} - VERSIONED):
            if name not in recorded or name not in ours:
                yield f"{where}.{name} is only {'here' if name in ours else 'in the recording'}"
            elif name not in MADE_UP:
                yield from _differences(recorded[name], ours[name], f"{where}.{name}")
    elif isinstance(recorded, list) and isinstance(ours, list) and len(recorded) == len(ours):
        for index, (left, right) in enumerate(zip(recorded, ours, strict=True)):
            yield from _differences(left, right, f"{where}[{index}]")
    elif recorded != ours:
        yield f"{where}: {ours!r} instead of {recorded!r}"


def _last_polls_only(exchanges: list[Exchange]) -> list[Exchange]:
    last = {exchange.url: index for index, exchange in enumerate(exchanges) if exchange.polling}
    return [
        exchange
        for index, exchange in enumerate(exchanges)
        if not exchange.polling or last[exchange.url] == index
    ]


@pytest.fixture
async def replay(tmp_path: Path) -> AsyncIterator[Replay]:
    """A Resource Manager for the subscription that recordings use."""
    async with running_arm(tmp_path, subscriptions=[SUBSCRIPTION]) as arm:
        yield Replay(arm)


@dataclass(frozen=True, slots=True)
class Case:
    """`group` existed before the recording began; all is sent, `compared` (of method and URL) limits what counts."""

    file: str
    group: str | None = None
    location: str = "westus"
    compared: str = ""
    operations: OperationsMode = AT_ONCE


CASES = [
    Case("aso/v2/internal/controllers/recordings/Test_Resources_ResourceGroup_CRUD.yaml"),
    Case("aso/v2/internal/controllers/recordings/Test_Networking_VirtualNetworkPeering_20250301_CRUD.yaml"),
    Case("aso/v2/internal/controllers/recordings/Test_Networking_VirtualNetworkPeering_20240301_CRUD.yaml"),
    Case(
        "aso/v2/internal/controllers/recordings/"
        "Test_Networking_Subnet_CreatedThenVNETUpdated_20250301_SubnetStillExists.yaml"
    ),
    Case(
        "aso/v2/internal/genericarmclient/recordings/Test_NewResourceGroup.yaml",
        # The recorded client did not poll: it read the group once while it was being deleted.
        operations=OperationsMode(advance="after-reads", amount=1),
    ),
    Case(
        "azure-cli/network/tests/latest/recordings/test_network_vnet_peering.yaml",
        group="cli_test_vnet_peering000001",
        compared=r"virtualNetworks/|/locations/",
    ),
    Case(
        "azure-cli/resource/tests/latest/recordings/test_tag_update_resourcegroup.yaml",
        group="test_tag_update_resourcegroup000001",
    ),
    Case(
        "aso/v2/internal/testsamples/recordings/Test_Samples_CreationAndDeletion/"
        "Test_Insights_v1api20210501preview_CreationAndDeletion.yaml",
        # Its last request met a network whose group was still going; here the group is gone by then.
        compared=r"(PUT|GET) .*/diagnosticSettings/",
    ),
    Case(
        "azure-sdk-for-python/sdk/monitor/azure-mgmt-monitor/tests/recordings/"
        "test_cli_mgmt_monitor_async.test_monitor_diagnostic_settings.yaml",
        group="rgname",
        location="eastus",
        compared="diagnosticSettings",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: Path(case.file).stem[-40:])
async def test_answers_are_like_the_recorded_ones(replay: Replay, case: Case) -> None:
    """Every request of a recording gets the recorded status, headers of long operations and body."""
    replay.arm.manager.operations.mode = case.operations
    if case.group:
        path = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{case.group}"
        await replay.arm.call("PUT", path, {"location": case.location})
    wrong: list[str] = []
    compared = 0
    for number, recorded in enumerate(_last_polls_only(_exchanges(RECORDINGS / case.file))):
        answer = await replay.send(recorded)
        if re.search(case.compared, f"{recorded.method} {recorded.url}", re.IGNORECASE) is None:
            continue
        compared += 1
        what = f"{number} {recorded.method} {recorded.url.partition('?')[0].removeprefix(HOST)[-90:]}"
        wrong += [f"{what}: {difference}" for difference in _compare(recorded, answer)]
    assert wrong == []
    assert compared >= 2


def _compare(recorded: Exchange, answer: Answer) -> Iterator[str]:
    if recorded.status != answer.status:
        yield f"status {answer.status} instead of {recorded.status}"
    for name in ("azure-asyncoperation", "location", "etag", "x-ms-failure-cause"):
        if (name in recorded.headers) != (name in answer.headers):
            yield f"header {name} is only {'here' if name in answer.headers else 'in the recording'}"
    theirs: Json = recorded.body if recorded.body is not None else cast(JsonObject, {})
    yield from _differences(theirs, answer.body)
