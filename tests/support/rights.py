"""The mesh's roles, given through Microsoft.Authorization to whoever runs the product in a test."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from demo.rights import APP, VERSION, Role, assignment, definition, definition_body, subscription_of
from local.arm.operations import OperationsMode
from local.identity.tokens import ManagedIdentity
from tests.support.local_arm import AT_ONCE, LocalArm, StaticCredential, running_arm

OWNER = "tests"
"""The principal that sets up what a test is about."""
PRODUCT = "app"
CREDENTIAL = StaticCredential(ManagedIdentity(PRODUCT))
"""The product's own."""


@asynccontextmanager
async def guarded_arm(folder: Path, operations: OperationsMode = AT_ONCE) -> AsyncIterator[LocalArm]:
    """Resource Manager, in which the product has its roles in every subscription, and nothing else."""
    async with running_arm(folder, operations=operations, owners=[OWNER]) as arm:
        everywhere = [f"/subscriptions/{s}" for s in arm.manager.configuration.subscriptions]
        await grant(arm, {"node": everywhere, "hub": everywhere, "sink": everywhere})
        yield arm


async def grant(arm: LocalArm, scopes: Mapping[Role, Iterable[str]]) -> None:
    """Defines the role of each file, and assigns it to the product at some scopes."""
    for role, places in scopes.items():
        listed = list(places)
        subscriptions = sorted({subscription_of(scope) for scope in listed})
        await _put(arm, definition(subscriptions[0], role), definition_body(role, subscriptions))
        for scope in listed:
            await assign(arm, role, scope)


async def assign(arm: LocalArm, role: Role, scope: str) -> None:
    properties = {"roleDefinitionId": definition(subscription_of(scope), role), "principalId": APP}
    await _put(arm, assignment(role, scope), {"properties": properties})


async def _put(arm: LocalArm, path: str, body: object) -> None:
    answer = await arm.call("PUT", path, body, version=VERSION, principal=OWNER)
    assert answer.status in (200, 201), answer
