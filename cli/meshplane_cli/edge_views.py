"""What is shown of edges."""

from meshplane_cli.client import Json
from meshplane_cli.parts import CONDITIONS, short, show_history, show_plan
from meshplane_cli.render import Column, Screen
from meshplane_cli.text import in_words

LIST = (
    Column("EDGE", "id"),
    Column("STATE", "state"),
    Column("INTERFACE", "interface"),
    Column("EXPOSURE", "exposure"),
    Column("EXPIRES", "expires_at"),
    Column("CONSUMER", "consumer"),
    Column("PROVIDER", "provider"),
    Column("REASON", "reason"),
    Column("TARGET", "target"),
)
_FACTS = (
    ("Edge", "id"),
    ("State", "state"),
    ("Consumer", "consumer"),
    ("Provider", "provider"),
    ("Interface", "interface"),
    ("Target", "target"),
    ("Part", "part"),
    ("Purpose", "purpose"),
    ("Gigabytes a month", "gigabytes"),
    ("Asked for by", "requested_by"),
    ("Asked for at", "requested_at"),
    ("Lease in days", "lease_days"),
    ("Active since", "active_at"),
    ("Expires", "expires_at"),
    ("Names", "names"),
    ("Addresses", "addresses"),
    ("It takes", "commands"),
)


def show_edge(screen: Screen, edge: Json) -> None:
    """One edge in full."""
    facts: list[tuple[str, object]] = [(title, edge.get(name)) for title, name in _FACTS]
    verdict = edge.get("verdict")
    if verdict:
        facts.append(
            ("Decided", f"by {verdict.get('by')}, {in_words(verdict.get('at'))}: {verdict.get('reason')}")
        )
    screen.facts(facts)
    show_route(screen, "Way", edge.get("route"))
    show_route(screen, "Proposed, waiting for approval", edge.get("proposed"))
    screen.part("Conditions", edge.get("conditions", []), CONDITIONS)
    show_plan(screen, edge.get("last_plan"))
    show_history(screen, edge)


def show_route(screen: Screen, title: str, route: Json | None, *, others: bool = True) -> None:
    """How an edge is carried, and with `others` why not otherwise."""
    if not route:
        return
    screen.title(title)
    screen.facts(
        [
            ("By", route.get("exposure")),
            ("Why", route.get("why")),
            ("US dollars a month", route.get("monthly_cost")),
            ("In Azure", route.get("artefact")),
            *[("Instead", short(str(each))) for each in route.get("alternatives", []) if others],
        ]
    )
