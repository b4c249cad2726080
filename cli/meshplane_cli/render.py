"""What people and programs see: tables that fit the terminal and are whole in a pipe, or JSON as the API gave it."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO, Literal

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from meshplane_cli.client import Json
from meshplane_cli.errors import FromApi, MeshplaneError
from meshplane_cli.text import harmless, harmless_json, in_words

Output = Literal["table", "json"]

_GOOD = {"Ready", "Active", "Connected", "True", "covered", "Resolved", "healthy", "ok", "note"}
_BAD = {"NotReady", "Failed", "Rejected", "Firing", "critical", "error", "failed", "False", "uncovered"}
_BETWEEN = {"Pending", "PendingApproval", "Expiring", "Acknowledged", "warning", "Unknown"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its title, and a member's name (`counts.covered` of a member's member) or what makes its text."""

    title: str
    value: str | Callable[[Json], object]

    def of(self, item: Json) -> str:
        if callable(self.value):
            return in_words(self.value(item))
        found: object = item
        for name in self.value.split("."):
            found = found.get(name) if isinstance(found, dict) else None
        return in_words(found)


class Screen:
    """Standard output for what was asked for, standard error for what is said beside it."""

    def __init__(self, output: Output, out: IO[str] | None = None, err: IO[str] | None = None) -> None:
        self.output = output
        self._file = out or sys.stdout
        self._out = _console(self._file)
        self._err = _console(err or sys.stderr)
        self._begun = False

    def items(
        self, items: Sequence[Json], columns: Sequence[Column], nothing: str = "Nothing found."
    ) -> None:
        """A list: a table, of which a narrow terminal shows the first columns; or a JSON array."""
        if self.output == "json":
            self.json(list(items))
        elif items:
            self._table(items, columns)
        else:
            self.say(nothing)

    def one(self, item: Json, parts: Callable[[Json], None]) -> None:
        """One thing: as `parts` shows it, or a JSON object."""
        if self.output == "json":
            self.json(item)
        else:
            parts(item)

    def facts(self, facts: Sequence[tuple[str, object]]) -> None:
        """Names and values, one a line; what is empty is left out."""
        given = [(f"{name}:", in_words(value)) for name, value in facts if value not in (None, "", [], {})]
        self._rows([[name, value] for name, value in given])

    def part(self, title: str, items: Sequence[Json], columns: Sequence[Column]) -> None:
        """A part of a thing that is a list; left out where it is empty."""
        if items:
            self.title(title)
            self._table(items, columns)

    def title(self, text: str) -> None:
        """What the next lines are about."""
        if self._begun:
            _write(self._out, Text())
        self.line(text, "bold")

    def line(self, text: str, style: str = "", *, indent: int = 0) -> None:
        """A sentence of what was asked for: a terminal folds it between words, elsewhere it is as long as it is."""
        self._begun = True
        _write(self._out, Text(harmless(text), style), indent)

    def entry(self, text: str, *, indent: int = 0) -> None:
        """A line of long names, folded by the terminal itself, so that it can be copied."""
        self._begun = True
        self._out.print(Text(" " * indent + harmless(text)), soft_wrap=True)

    def json(self, found: object) -> None:
        """JSON, never wrapped."""
        text = harmless_json(found, ascii_alone=_is_narrow(self._file))
        for line in text.splitlines():  # unbuffered, one long write may end in the middle unnoticed
            self._file.write(f"{line}\n")
        self._file.flush()

    def say(self, text: str) -> None:
        """A remark for people, beside the output."""
        _write(self._err, Text(harmless(text), "dim"))

    def fault(self, error: MeshplaneError) -> None:
        """What happened, to what, what to do."""
        if self.output == "json":
            text = harmless_json(error.document(), ascii_alone=_is_narrow(self._err.file))
            self._err.file.write(f"{text}\n")
            return
        status = ""
        if isinstance(error, FromApi):
            status = " ".join(filter(None, [str(error.status or ""), error.code]))
        said = error.what
        if isinstance(error, FromApi) and error.code:
            said = said.removeprefix(f"{error.code}: ")
        what = f"{said} ({status})" if status else said
        _write(self._err, Text.assemble(("Error: ", "bold red"), harmless(what)))
        allowed = ", ".join(error.allowed) if isinstance(error, FromApi) else ""
        for name, value in (("To what", error.to), ("Possible instead", allowed), ("What to do", error.do)):
            if value:
                _write(self._err, Text.assemble((f"{name}: ", "bold"), harmless(value)))

    def _table(self, items: Sequence[Json], columns: Sequence[Column]) -> None:
        rows = [[column.of(item) for column in columns] for item in items]
        titles = [column.title for column in columns]
        shown = len(columns)
        if self._out.is_terminal:
            shown = _that_fit(_widths([titles, *rows]), self._out.width)
        self._rows([row[:shown] for row in rows], titles[:shown])
        if shown < len(columns):
            self.say(f"Not shown in {self._out.width} columns: {', '.join(titles[shown:])}.")

    def _rows(self, rows: Sequence[Sequence[str]], titles: Sequence[str] = ()) -> None:
        """Cells side by side; folded by a terminal, each row on one line elsewhere."""
        if not rows:
            return
        self._begun = True
        if not self._out.is_terminal:
            listed = [titles, *rows] if titles else rows
            widths = _widths(listed)
            for row in listed:
                padded = zip(row, widths, strict=True)
                self._file.write("  ".join(c + " " * (w - cell_len(c)) for c, w in padded).rstrip() + "\n")
            self._file.flush()
            return
        table = Table(box=None, show_header=bool(titles), pad_edge=False, padding=(0, _GAP, 0, 0))
        widths = _folded(_widths([titles, *rows] if titles else rows), self._out.width)
        for i, width in enumerate(widths):
            table.add_column(Text(titles[i], "bold") if titles else "", overflow="fold", width=width)
        for row in rows:
            table.add_row(*(Text(cell, _style(cell)) for cell in row))
        self._out.print(table)


_GAP = 2
_LEAST = 20
"""So few characters the last column that is shown may be folded to."""


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(cell_len, cells)) for cells in zip(*rows, strict=True)]


def _that_fit(widths: Sequence[int], room: int) -> int:
    """How many of the first columns stand side by side, the last of them folded if need be; two at least."""
    for shown in range(len(widths), 2, -1):
        if sum(widths[: shown - 1]) + min(widths[shown - 1], _LEAST) + _GAP * (shown - 1) <= room:
            return shown
    return min(2, len(widths))


def _folded(widths: Sequence[int], room: int) -> list[int]:
    """The widths at which cells are folded: the last column's where that is enough, else each to an equal share."""
    left = room - _GAP * (len(widths) - 1)
    last = left - sum(widths[:-1])
    if last >= min(widths[-1], _LEAST):
        return [*widths[:-1], min(widths[-1], last)]
    return [max(1, min(width, left // len(widths))) for width in widths]


def _style(text: str) -> str:
    first = text.split(" ", 1)[0]
    if first in _BAD:
        return "red"
    if first in _GOOD:
        return "green"
    return "yellow" if first in _BETWEEN else ""


class _Console(Console):
    """Ends as other programs do where nobody reads on, such as before `head`."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def _write(console: Console, text: Text, indent: int = 0) -> None:
    if console.is_terminal:
        console.print(Padding(text, (0, 0, 0, indent)))
    else:
        console.file.write(f"{' ' * indent}{text.plain}\n")
        console.file.flush()


def _is_narrow(file: IO[str]) -> bool:
    """Whether it cannot take every character: a pipe of Windows, or of a locale that is not UTF-8."""
    encoding: str | None = getattr(file, "encoding", None)
    return not (encoding or "utf-8").lower().replace("-", "").startswith("utf")


def _console(file: IO[str]) -> Console:
    return _Console(file=file, markup=False, highlight=False, emoji=False)
