"""HTTP: an examination of the deployment."""

import asyncio
from typing import TYPE_CHECKING

from functions.answers import Answer
from functions.api_health import checked
from functions.routes import Routes
from shared.domain.actor import Role

if TYPE_CHECKING:
    from functions.call import Call
    from functions.views.doctor import Diagnosis

routes = Routes("operations")


@routes.route("GET", "doctor", role=Role.OPERATOR)
async def doctor(call: "Call") -> "Answer[Diagnosis]":
    """What is wrong with this deployment, and what to do: settings, rights, dependencies, and what is late.

    Reads only; 200 whatever is found. What could not be asked is among the findings.
    """
    from functions.views.doctor import diagnosis

    asked = asyncio.gather(*(checked(probe) for probe in call.app.probes))
    examined, dependencies = await asyncio.gather(call.app.doctor.examine(), asked)
    return Answer(diagnosis(examined, dependencies))
