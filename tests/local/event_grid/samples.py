"""An operation, and subscriptions that want its event."""

from datetime import UTC, datetime

from local.arm.activity import CompletedOperation
from local.events.grid.subscriptions import EventSubscription, parse

SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"
TOPIC = f"/subscriptions/{SUBSCRIPTION}"
GROUP = f"{TOPIC}/resourceGroups/orders"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv-orders"


def operation(
    resource_id: str = VAULT, action: str = "Microsoft.KeyVault/vaults/write"
) -> CompletedOperation:
    """A successful write by a service identity."""
    return CompletedOperation(
        time=datetime(2026, 3, 4, 5, 6, 7, 890123, tzinfo=UTC),
        subscription_id=SUBSCRIPTION,
        resource_group="orders",
        resource_id=resource_id,
        operation_name=action,
        kind="Write",
        outcome="Success",
        status_code=201,
        correlation_id="c0ffee00-0000-0000-0000-000000000000",
        principal={
            "oid": "object-1",
            "tid": "tenant-1",
            "appid": "app-1",
            "aud": "https://management.azure.com",
        },
        http_method="PUT",
        http_url=f"https://management.azure.com{resource_id}?api-version=2023-07-01",
        api_version="2023-07-01",
    )


def properties(url: str, **more: object) -> dict[str, object]:
    """The body of a subscription to a webhook."""
    return {"destination": {"endpointType": "WebHook", "properties": {"endpointUrl": url}}, **more}


def subscription(url: str, **more: object) -> EventSubscription:
    """A subscription to everything that happens in an Azure subscription."""
    id_ = f"{TOPIC}/providers/Microsoft.EventGrid/eventSubscriptions/to-mesh"
    return parse(properties(url, **more), id=id_, name="to-mesh", topic=TOPIC)
