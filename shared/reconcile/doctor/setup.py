"""Settings that are allowed and nevertheless may surprise. Pure."""

from collections.abc import Iterator
from itertools import combinations

from shared.domain.examination import Gravity, Setup, Trouble
from shared.domain.network import Hub
from shared.domain.sinks import Sink


def facts_of(setup: Setup) -> dict[str, str]:
    """What was read, for people; secrets never come this far."""
    mesh = setup.mesh
    return {
        "MESH_NAME": mesh.name,
        "MESH_SUBSCRIPTIONS": ", ".join(mesh.subscriptions),
        "MESH_HUBS": ", ".join(_described(hub) for hub in mesh.hubs),
        "MESH_SINKS": ", ".join(f"{sink.kind} {_named(sink)}" for sink in mesh.sinks)
        or "none beside the hubs' workspaces",
        "MESH_PRINCIPAL_ID": mesh.principal or "not set",
        "MESH_PLATFORM_AUTH": "true" if setup.platform_authentication else "false",
        "MESH_APPROVAL_RULES": f"{setup.approval_rules} rules",
        "MESH_EDGE_LEASE_DAYS": str(setup.longest_lease_days),
        "MESH_FULL_MESH": str(mesh.full_mesh),
        "MESH_WEBHOOKS": f"{setup.webhooks} webhooks",
        "MESH_RESOURCE_MANAGER": setup.resource_manager,
        "MESH_LOGS": setup.logs or "no log store",
        "AzureWebJobsStorage": f"by {setup.storage}",
        "MESH_EVENTHUB": f"by {setup.event_hubs}",
    }


def of_setup(setup: Setup) -> Iterator[Trouble]:
    """Everything about the settings that somebody ought to know."""
    yield from _of_callers(setup)
    yield from _of_secrets(setup)
    yield from _of_mesh(setup)
    for hub in setup.mesh.hubs:
        yield from _of_hub(hub)
    for one, other in combinations(setup.mesh.hubs, 2):
        if other.id not in one.peers and one.id not in other.peers:
            yield _trouble(
                "note",
                "HubsNotPeered",
                f"{one.id}, {other.id}",
                "These hubs are not peered: no edge leads through them from a node on one to a node on the other.",
                "Where such edges are wanted, name one among the other's `peers` in MESH_HUBS.",
            )


def _of_callers(setup: Setup) -> Iterator[Trouble]:
    if not setup.platform_authentication:
        yield _trouble(
            "warning",
            "CallersUnknown",
            "MESH_PLATFORM_AUTH",
            "Whoever has the function key may do everything, and approve what they asked for: callers cannot be told"
            " apart.",
            "Switch App Service authentication on with Microsoft Entra, give people application roles, then set"
            " MESH_PLATFORM_AUTH to true.",
        )
    if setup.anyone_asks:
        yield _trouble(
            "note",
            "AnyoneAsks",
            "MESH_ANYONE_ASKS",
            "Every requester may ask for edges of any consumer, not of their own alone.",
            "Set it to false where consumers' owners should ask for themselves.",
        )


def _of_secrets(setup: Setup) -> Iterator[Trouble]:
    for access, name, instead in (
        (setup.storage, "AzureWebJobsStorage", "AzureWebJobsStorage__accountName"),
        (setup.event_hubs, "MESH_EVENTHUB", "MESH_EVENTHUB__fullyQualifiedNamespace"),
    ):
        if access == "connection string":
            yield _trouble(
                "warning",
                "SecretInSettings",
                name,
                "A connection string is a secret, and it works for whoever copies it.",
                f"Set {instead} instead, give the managed identity its roles, and switch keys off. The local Azure"
                " takes nothing else: there it is as it should be.",
            )


def _of_mesh(setup: Setup) -> Iterator[Trouble]:
    mesh = setup.mesh
    if mesh.leaving:
        yield _trouble(
            "warning",
            "Leaving",
            "MESH_TEARDOWN",
            "The mesh lets go of every node, edge and pair of hubs, and takes up no new one.",
            "Once nothing is left, remove it (docs/deploy.md); to go on with it, set MESH_TEARDOWN to false.",
        )
    if not mesh.principal:
        yield _trouble(
            "warning",
            "PrincipalUnknown",
            "MESH_PRINCIPAL_ID",
            "Meshplane cannot tell events of its own writes from others: each has it look at the node once more.",
            "Set it to the object id (principal id) of the app's managed identity.",
        )
    if not any(not hub.region for hub in mesh.hubs):
        regions = ", ".join(sorted({hub.region for hub in mesh.hubs}))
        yield _trouble(
            "note",
            "RegionsWithoutHub",
            "MESH_HUBS",
            f"Nodes in other regions than {regions} have no hub.",
            "Name a hub without `region`, which serves all, or one for each region that nodes lie in.",
        )
    if not setup.logs:
        yield _trouble(
            "note",
            "LogStoreMissing",
            "MESH_LOGS",
            "Named queries are refused.",
            "Set the log store's address.",
        )
    if not setup.webhooks and not setup.metrics:
        yield _trouble(
            "note",
            "NobodyTold",
            "MESH_WEBHOOKS",
            "Alerts are recorded and told as mesh events; no webhook or metric tells people.",
            "Name webhooks (docs/handlers.md), or listen to the mesh events.",
        )


def _of_hub(hub: Hub) -> Iterator[Trouble]:
    if not hub.zones:
        yield _trouble(
            "note",
            "HubWithoutZones",
            hub.id,
            "The hub has no private DNS zones: names of private endpoints are kept in zones of each consumer's own.",
            "Name the privatelink zones that its nodes are to share in `zones`.",
        )
    if not hub.pools:
        yield _trouble(
            "note",
            "HubWithoutPools",
            hub.id,
            "The hub has no address pools: a node that brings no network gets none.",
            "Name prefixes in `pools`, where nodes should be given networks.",
        )


def _named(sink: Sink) -> str:
    """A workspace's, an account's, or a namespace's name with that of the hub in it."""
    return "/".join(sink.place.split("/")[8:])


def _described(hub: Hub) -> str:
    return f"{hub.id} ({hub.region or 'every region'}, {len(hub.zones)} zones, {len(hub.pools)} pools)"


def _trouble(severity: Gravity, code: str, subject: str, what: str, remedy: str) -> Trouble:
    return Trouble(area="settings", severity=severity, code=code, subject=subject, what=what, remedy=remedy)
