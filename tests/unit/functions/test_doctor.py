"""The examination over HTTP: findings with what to do, dependencies among them, the gravest first."""

from msgspec.structs import replace

from shared.domain.errors import Terminal, Transient
from tests.unit.functions.api import Api, api


class Answers:
    name = "tables"

    async def check(self) -> str:
        return "Table Storage answers."


class IsSilent:
    name = "queue"

    async def check(self) -> str:
        raise Transient("ServerBusy", "not now")


class HasFaults:
    name = "policies"

    async def check(self) -> str:
        raise Terminal("PoliciesInvalid", "policies/tags.yaml:1: is not YAML")


def asked(*probes: Answers | IsSilent | HasFaults) -> Api:
    on = api()
    return Api(replace(on.app, probes=probes), on.mesh, on.edges)


async def test_a_deployment_without_errors_is_healthy_whatever_else_there_is_to_say() -> None:
    said = await asked(Answers()).ask("doctor")
    assert (said.status, said.body["healthy"]) == (200, True)
    assert {finding["severity"] for finding in said.body["findings"]} == {"warning", "note"}
    assert {"name": "MESH_PLATFORM_AUTH", "value": "false"} in said.body["settings"]
    assert said.body["dependencies"] == [
        {"name": "tables", "healthy": True, "detail": "Table Storage answers."}
    ]


async def test_a_dependency_that_does_not_answer_is_the_first_finding_and_an_error() -> None:
    said = await asked(Answers(), IsSilent()).ask("doctor")
    assert (said.status, said.body["healthy"]) == (200, False)
    first = said.body["findings"][0]
    assert (first["code"], first["subject"], first["severity"]) == ("Unreachable", "queue", "error")
    assert "not now" in first["what"]


async def test_policies_with_a_fault_are_to_be_mended_and_not_looked_for_on_the_network() -> None:
    said = await asked(HasFaults()).ask("doctor")
    first = said.body["findings"][0]
    assert (first["code"], first["subject"], first["severity"]) == ("Unusable", "policies", "error")
    assert "tags.yaml:1" in first["what"]
    assert first["remedy"].startswith("Mend what it names")
