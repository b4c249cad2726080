"""Every reason that the product may give is explained somewhere in the documentation."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WITH_REASON = {"Finding": 1, "Objection": 0}
"""What tells people of something, and which of its arguments is the reason."""


def _reasons() -> Iterator[str]:
    for module in (ROOT / "shared").rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in WITH_REASON:
                place = WITH_REASON[node.func.id]
                reason = node.args[place] if len(node.args) > place else None
                yield from (
                    part.value
                    for part in ast.walk(reason or ast.Constant(""))
                    if isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value
                )


def test_every_reason_of_a_finding_is_explained() -> None:
    told = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md"))
    named = set(re.findall(r"`(\w+)`", told))
    found = set(_reasons())
    assert "AddressSpaceOverlap" in found
    assert sorted(found - named) == []
