"""What nodes, edges, hubs and alerts show alike: conditions, plans, history."""

from meshplane_cli.client import Json
from meshplane_cli.render import Column, Screen

CONDITIONS = (
    Column("CONDITION", "type"),
    Column("STATUS", "status"),
    Column("REASON", "reason"),
    Column("MESSAGE", "message"),
)
HISTORY = (
    Column("AT", "at"),
    Column("CAUSE", "cause"),
    Column("OUTCOME", "outcome"),
    Column("CHANGES", "changes"),
)
STEPS = (
    Column("ACTION", "action"),
    Column("WHY", "why"),
    Column("TARGET", "target"),
    Column("DIFFERENCES", "differences"),
)
FINDINGS = (Column("FINDING", "text"),)


def show_plan(screen: Screen, plan: Json | None) -> None:
    """The writes of a plan, and what stands in the way of others."""
    if plan is None:
        return
    screen.part("Plan", plan.get("steps", []), STEPS)
    screen.part("In the way", [{"text": text} for text in plan.get("findings", [])], FINDINGS)


def show_history(screen: Screen, item: Json) -> None:
    """The newest changes."""
    screen.part("History", item.get("history", []), HISTORY)
    if item.get("more_history"):
        screen.say("There are older changes: --history all shows them.")
