"""HTTP: how the mesh stands towards its policies, by domain, policy and day, and which nodes do not comply."""

from typing import TYPE_CHECKING, cast

from functions.answers import Answer
from functions.parameters import CONTINUATION, TOP, Parameter, node_named
from functions.routes import Routes

if TYPE_CHECKING:
    from functions.call import Call
    from functions.views.governance import GovernanceView, NodeFindingsItem
    from functions.views.pages import List
    from shared.domain.governance import Verdict

routes = Routes("governance")

DOMAIN = Parameter("domain", "only nodes of this domain, in any case of letters", example="sales")
POLICY = Parameter(
    "policy", "only the policy of this name", pattern=r"[a-z0-9-]{1,64}", example="telemetry-covered"
)
DAYS = Parameter("days", "how many days of the trend are shown", most=90, default="30", example="7")
NODE = Parameter("node", "only this node, <subscription>/<resource group>")
VERDICT = Parameter(
    "verdict",
    "which findings are shown",
    allowed=("violating", "exempt", "unknown"),
    default="violating",
)


@routes.route("GET", "governance", DOMAIN, POLICY, DAYS)
async def governance(call: "Call") -> "Answer[GovernanceView]":
    """By domain and policy: nodes evaluated, compliant, violating, exempt, unknown, now and day by day."""
    from functions.views.governance import governance_view

    app, domain = call.app, call.text(DOMAIN)
    nodes = await app.governance.nodes()
    if domain:
        nodes = [node for node in nodes if node.domain.casefold() == domain.casefold()]
    trends = await app.trends.list(domain=domain or None)
    days, now = int(call.text(DAYS)), app.clock.now()
    return Answer(governance_view(app.policies.policies, nodes, trends, call.text(POLICY), days, now))


@routes.route("GET", "governance/findings", POLICY, DOMAIN, NODE, VERDICT, TOP, CONTINUATION)
async def list_governance_findings(call: "Call") -> "Answer[List[NodeFindingsItem]]":
    """A page of nodes that do not comply, in the order of their keys; each with what is wrong and what to do."""
    from functions.views.governance import findings_in, findings_item
    from functions.views.pages import List

    policy, domain = call.text(POLICY), call.text(DOMAIN)
    verdict = cast("Verdict", call.text(VERDICT))
    if call.text(NODE):
        record = await call.app.nodes.get(node_named(NODE.name, call.text(NODE)))
        there = record is not None and domain.casefold() in ("", record.domain.casefold())
        return Answer(List(findings_in(record, verdict, policy) if record and there else [], ""))
    page = await call.app.nodes.findings(
        verdict,
        policy=policy,
        domain=domain,
        size=call.top,
        continuation=call.continuation,
    )
    return Answer(List([findings_item(node) for node in page.items], page.continuation))
