"""HTTP: whether each dependency answers."""

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING

import azure.functions as func

from functions.answers import answering, json_answer
from shared.bootstrap import application
from shared.domain.errors import MeshError, Transient

if TYPE_CHECKING:
    from shared.ports import Probe

blueprint = func.Blueprint()

PATIENCE_SECONDS = 10.0


@blueprint.function_name("health")
@blueprint.route("health", methods=["GET"])
@answering
async def health(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the trigger's argument
    """200 where every dependency answers, else 503; each with what it said."""
    checks = await asyncio.gather(*(_check(probe) for probe in application().probes))
    healthy = all(check["healthy"] for check in checks)
    status = HTTPStatus.OK if healthy else HTTPStatus.SERVICE_UNAVAILABLE
    return json_answer({"healthy": healthy, "dependencies": checks}, status)


async def _check(probe: "Probe") -> dict[str, object]:
    try:
        said = await asyncio.wait_for(probe.check(), PATIENCE_SECONDS)
    except TimeoutError:
        error: MeshError = Transient("TimedOut", f"no answer within {PATIENCE_SECONDS:.0f} s")
    except MeshError as raised:
        error = raised
    else:
        return {"name": probe.name, "healthy": True, "detail": said}
    return {"name": probe.name, "healthy": False, "detail": str(error)}
