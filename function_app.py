"""Makes the function app and registers its triggers. A missing or wrong setting stops it here, all named at once."""

import azure.functions as func

from functions.api import TABLES
from functions.reconciler import blueprint as reconciler
from functions.resource_events import blueprint as resource_events
from functions.schedules import blueprint as schedules
from functions.telemetry import blueprint as telemetry
from shared.settings import load_settings

load_settings()

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
for blueprint in (resource_events, reconciler, telemetry, schedules, *(table.blueprint for table in TABLES)):
    app.register_functions(blueprint)
