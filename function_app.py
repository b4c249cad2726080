"""Makes the function app and registers its triggers. A missing or wrong setting stops it here, all named at once."""

import azure.functions as func

from functions.api_alerts import blueprint as alerts
from functions.api_dead_letters import blueprint as dead_letters
from functions.api_health import blueprint as health
from functions.api_nodes import blueprint as nodes
from functions.reconciler import blueprint as reconciler
from functions.resource_events import blueprint as resource_events
from functions.schedules import blueprint as schedules
from functions.telemetry import blueprint as telemetry
from shared.settings import load_settings

load_settings()

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
for blueprint in (resource_events, reconciler, telemetry, schedules, nodes, alerts, dead_letters, health):
    app.register_functions(blueprint)
