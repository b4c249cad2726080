"""Endpoints that somebody else made under the name of an edge's. Pure.

Names can be told in advance: whoever may write to the consumer's group could have theirs approved on a target that
nobody granted them, or in a network that nobody granted it to.
"""

from shared.domain.artefacts import network_of
from shared.domain.conditions import CONNECTED, Finding
from shared.domain.edge import EdgeRecord, Route
from shared.domain.edge_request import service_of
from shared.domain.ids import same_id
from shared.domain.private_link import PrivateEndpoint


def leads_elsewhere(record: EdgeRecord, route: Route, endpoint: PrivateEndpoint) -> bool:
    """Whether an endpoint has another target or network than the route."""
    if not endpoint.target:
        return False
    same_target = same_id(endpoint.target, service_of(record.request.target))
    same_network = same_id(network_of(endpoint.subnet), network_of(route.subnet))
    return not (same_target and same_network and endpoint.group.lower() == route.group.lower())


def foreign(endpoint: PrivateEndpoint) -> Finding:
    """What is said of it; nothing is done about it."""
    message = f"{endpoint.id} leads elsewhere, and Meshplane did not make it: delete it."
    return Finding(CONNECTED, "ForeignEndpoint", message)
