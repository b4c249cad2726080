"""The parameters of the infrastructure as tables."""

import re
from collections.abc import Iterable

from tests.infra.reader.file import Parameter
from tests.infra.sources import INFRA, bicep

_LONG = "a value: see the file"
_MEMBER = re.compile(r"@description\('((?:[^'\\]|\\.)*)'\)\n(?:  @\w+\([^\n]*\)\n)*  (\w+): ([^\n]+)")
_READ = re.compile(r"readEnvironmentVariable\('(\w+)', '([^']*)'\)")


def deployment_tables() -> dict[str, str]:
    """By the name of the mark in docs/deploy.md."""
    return {
        "main": _parameters("main.bicep"),
        "subscription": _parameters("subscription.bicep"),
        "hub": _members("hubType"),
        "options": _members("meshOptionsType"),
        "environment": _environment(),
    }


def _parameters(path: str) -> str:
    """Name, type, default and meaning of each parameter of a file under infra/."""
    file = bicep(path)
    rows = ((p.name, p.type, _default(file.text, p), p.description) for p in file.parameters.values())
    return _table(("parameter", "type", "default", "what it says"), rows)


def _default(text: str, parameter: Parameter) -> str:
    if parameter.is_required:
        return "**needed**"
    found = re.search(rf"^param {parameter.name} \S+ = (.*)$", text, re.MULTILINE)
    written = found[1].strip() if found else ""
    if written in ("''", "[]", "{}"):
        return ""
    return _LONG if written in ("[", "{", "") else f"`{written}`"


def _members(name: str) -> str:
    """Name, type and meaning of each member of a type; those that may be left out end with a question mark."""
    text = bicep("modules/types.bicep").text
    body = text.split(f"type {name} = {{\n", 1)[1].split("\n}\n", 1)[0]
    rows = ((n, kind, said.replace("\\'", "'")) for said, n, kind in _MEMBER.findall(body))
    return _table(("member", "type", "what it says"), rows)


def _environment() -> str:
    """Which parameter each environment variable sets."""
    text = (INFRA / "main.bicepparam").read_text(encoding="utf-8")
    pieces = re.split(r"^param (\w+) = ", text, flags=re.MULTILINE)[1:]
    rows = [
        (variable, parameter, f"`{default}`" if default else "")
        for parameter, value in zip(pieces[::2], pieces[1::2], strict=True)
        for variable, default in dict.fromkeys(_READ.findall(value))
    ]
    return _table(("variable", "parameter", "default"), ((f"`{v}`", p, d) for v, p, d in rows))


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(head)
    code = names[0] != "variable"
    lines = [names, ["---"] * len(names)]
    for first, *others in rows:
        lines.append([f"`{first}`" if code else first, *(cell.replace("|", "\\|") for cell in others)])
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
