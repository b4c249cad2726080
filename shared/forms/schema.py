"""What the types of forms are made of, and the JSON Schema that is made of them, by which editors complete."""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta


class Form(msgspec.Struct, forbid_unknown_fields=True):
    """Nothing may be written that is not understood."""


def text(what: str, *, pattern: str | None = None, least: int | None = None, most: int | None = None) -> Meta:
    """A text; `what` is what a fault calls it: "'5x' is not a duration such as 30s, 5m, 1h"."""
    return Meta(pattern=pattern, min_length=least, max_length=most, extra={"what": what})


Line = Annotated[str, text("a line of 1 to 200 characters", pattern=r"^[^\r\n]{1,200}$")]


def schema_of(
    one: type[Form],
    several: type[Form],
    told: Mapping[type[Form], Mapping[str, str]],
    more: Mapping[type[Form], Mapping[str, object]],
    title: str,
) -> dict[str, object]:
    """The JSON Schema (2020-12) of one YAML document: a thing, or the only field of `several` with a list of them.

    `told` is what editors show beside each key, `more` what no type can say.
    """
    (single, many), parts = msgspec.json.schema_components((one, several), ref_template="#/$defs/{name}")
    for form, texts in told.items():
        for name, description in texts.items():
            parts[form.__name__]["properties"][name]["description"] = description
    for form, keywords in more.items():
        parts[form.__name__].update(keywords)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "if": {"required": list(several.__struct_fields__)},
        "then": many,
        "else": single,
        "$defs": parts,
    }
