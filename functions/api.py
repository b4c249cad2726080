"""The HTTP API: every table of routes. What is listed here is served and described, and nothing else."""

from functions.api_addresses import routes as addresses
from functions.api_alerts import routes as alerts
from functions.api_coverage import routes as coverage
from functions.api_dead_letters import routes as dead_letters
from functions.api_doctor import routes as doctor
from functions.api_edges import routes as edges
from functions.api_governance import routes as governance
from functions.api_health import routes as health
from functions.api_hubs import routes as hubs
from functions.api_nodes import routes as nodes
from functions.api_openapi import routes as description
from functions.api_silences import routes as silences
from functions.api_telemetry import routes as telemetry

TABLES = (
    nodes,
    coverage,
    governance,
    edges,
    hubs,
    addresses,
    alerts,
    silences,
    telemetry,
    dead_letters,
    health,
    doctor,
    description,
)
