"""What nodes, edges, hubs and alerts show alike: conditions, plans, history."""

import re

from meshplane_cli.client import Json
from meshplane_cli.render import Column, Screen
from meshplane_cli.text import in_words

CONDITIONS = (
    Column("CONDITION", "type"),
    Column("STATUS", "status"),
    Column("REASON", "reason"),
    Column("MESSAGE", "message"),
)
PEERINGS = (
    Column("STATE", "state"),
    Column("SYNC", "sync_level"),
    Column("OURS", "owned"),
    Column("PEERING", lambda each: short(str(each.get("id")))),
)
_ID = re.compile(r"/subscriptions/[^/\s]+/resourceGroups/([^/\s]+)((?:/[^/\s]+)*)", re.IGNORECASE)
_PROVIDER = re.compile(r"/providers/[^/]+")


def short(text: str) -> str:
    """A text in which resource ids are without subscription and namespaces: `group/virtualNetworks/net`."""
    return _ID.sub(lambda found: found[1] + _PROVIDER.sub("", found[2]), text)


def show_plan(screen: Screen, plan: Json | None, title: str = "Last plan") -> None:
    """The writes of a plan, and what stands in the way of others."""
    steps, findings = (plan or {}).get("steps", []), (plan or {}).get("findings", [])
    if steps or findings:
        screen.title(title)
    for step in steps:
        screen.entry(f"{step.get('action')} {short(str(step.get('target')))}: {step.get('why')}")
        for difference in step.get("differences", []):
            screen.entry(short(str(difference)), indent=4)
    for finding in findings:
        screen.line(f"In the way: {short(str(finding))}", "yellow")


def show_history(screen: Screen, item: Json) -> None:
    """The newest changes."""
    changes = item.get("history", [])
    if changes:
        screen.title("History")
    for entry in changes:
        screen.entry(f"{in_words(entry.get('at'))}  {entry.get('outcome')}  {entry.get('cause')}")
        for change in entry.get("changes", []):
            screen.entry(short(str(change)), indent=4)
    if item.get("more_history"):
        screen.say("There are older changes: --history shows all.")
