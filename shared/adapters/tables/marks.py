"""Where a row of an indexed table is filed, as its column and its version tell: `shared.adapters.tables.indexed`."""

from collections.abc import Iterator

import msgspec

from shared.adapters.tables.table import Entity

INDEXED = "indexed"
"""The column that names a row's index rows."""
APART = "!apart||"


class Marks(msgspec.Struct, frozen=True):
    """Where a version of a row is filed: under its state, under a time (seconds in UTC; empty where it is never due),
    and with checksums of what lists show of it, and of what it is set apart by (empty where it is not)."""

    state: str = ""
    due: str = ""
    shown: str = ""
    apart: str = ""

    @classmethod
    def read(cls, text: object) -> "Marks":
        """Those that a row has in its column; none where it has no such column."""
        parts = text.split(".") if isinstance(text, str) else []
        return cls(*parts) if len(parts) in (3, 4) else cls()

    def __str__(self) -> str:
        return f"{self.state}.{self.due}.{self.shown}.{self.apart}" if self.state else ""

    def rows(self, name: str) -> Iterator[str]:
        """The row keys of the index rows of a row."""
        if self.state:
            yield f"!state|{self.state}|{name}"
        if self.due:
            yield f"!due|{self.due}|{name}"
        if self.apart:
            yield f"{APART}{name}"


def row_of(lead: str) -> str:
    """The row key of the row that an index row leads to."""
    return lead.split("|", 2)[2]


def leads_to(lead: str, row: Entity) -> bool:
    """Whether a row is filed there; what is not filed at all may be looked for everywhere."""
    marks = Marks.read(row.get(INDEXED))
    return not marks.state or lead in marks.rows(row_of(lead))


def version_of(etag: str, marks: Marks) -> str:
    """An ETag that carries the marks inside its quotes."""
    return f'{etag[:-1]};{marks}"'


def parts_of(version: str) -> tuple[str, Marks]:
    etag, _, marks = version[:-1].partition(";")
    return f'{etag}"', Marks.read(marks)
