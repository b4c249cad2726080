"""What examines the deployment, and what it may see of the settings."""

from pathlib import Path

from shared.bootstrap.outside import Outside
from shared.domain.examination import Setup
from shared.reconcile.doctor.examiner import Doctor
from shared.settings import Settings

ROLES = Path(__file__).resolve().parents[2] / "infra" / "roles"


def doctor(settings: Settings, outside: Outside) -> Doctor:
    """A doctor of this deployment."""
    return Doctor(
        setup_of(settings),
        outside.arm,
        outside.nodes,
        outside.edges,
        outside.hubs,
        outside.addresses,
        outside.dead_letters,
        outside.clock,
        ROLES,
    )


def setup_of(settings: Settings) -> Setup:
    """The settings without what is secret."""
    return Setup(
        mesh=settings.mesh,
        platform_authentication=settings.platform_authentication,
        anyone_asks=settings.terms.anyone_asks,
        longest_lease_days=settings.terms.longest_days,
        approval_rules=len(settings.rules),
        webhooks=len(settings.webhooks),
        metrics=bool(settings.metrics.endpoint),
        resource_manager=settings.resource_manager,
        logs=settings.logs.endpoint,
        storage="connection string" if settings.storage.connection_string else "identity",
        event_hubs="connection string" if settings.event_hub.connection_string else "identity",
    )
