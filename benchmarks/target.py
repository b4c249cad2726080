"""A figure that has to stay within a limit."""

import msgspec
from rich.console import Console


class Target(msgspec.Struct, frozen=True):
    """`value` may be at most `limit`; both in the unit that `what` names."""

    what: str
    value: float
    limit: float

    @property
    def met(self) -> bool:
        return self.value <= self.limit


def show(console: Console, targets: list[Target]) -> None:
    """One line a target."""
    for target in targets:
        verdict = "[green]met[/]" if target.met else "[red]missed[/]"
        console.print(f"{target.what}: {target.value:.3g}, target at most {target.limit:.3g}: {verdict}")
