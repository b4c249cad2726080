"""HTTP: whether each dependency answers."""

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING

from functions.answers import Answer
from functions.routes import Routes
from shared.domain.errors import MeshError, Transient
from shared.version import VERSION

if TYPE_CHECKING:
    from functions.call import Call
    from functions.views.operations import Dependency, Health
    from shared.ports import Probe

routes = Routes("operations")

PATIENCE_SECONDS = 10.0


@routes.route("GET", "health", also=(HTTPStatus.SERVICE_UNAVAILABLE,))
async def health(call: "Call") -> "Answer[Health]":
    """200 where every dependency answers, else 503; each with what it said."""
    from functions.views.operations import Health

    checks = await asyncio.gather(*(checked(probe) for probe in call.app.probes))
    healthy = all(check.healthy for check in checks)
    status = HTTPStatus.OK if healthy else HTTPStatus.SERVICE_UNAVAILABLE
    return Answer(Health(healthy, VERSION, checks), status)


async def checked(probe: "Probe") -> "Dependency":
    """What a dependency says, or why it does not."""
    from functions.views.operations import Dependency

    try:
        said = await asyncio.wait_for(probe.check(), PATIENCE_SECONDS)
    except TimeoutError:
        error: MeshError = Transient("TimedOut", f"no answer within {PATIENCE_SECONDS:.0f} s")
    except MeshError as raised:
        error = raised
    else:
        return Dependency(probe.name, True, said)
    return Dependency(probe.name, False, str(error))
