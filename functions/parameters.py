"""What a request may carry besides its body: each parameter says how it is read and how it is described."""

import re
from collections.abc import Mapping
from typing import Literal

import azure.functions as func
import msgspec

from functions.answers import BadRequest
from shared.domain.ids import NodeKey

MOST_ITEMS = 1000
DEFAULT_ITEMS = 100

type Place = Literal["query", "path", "header"]


class Parameter(msgspec.Struct, frozen=True):
    """A text of at most `longest` characters, out of `allowed` where that is given, shaped as `pattern` says; with
    `most`, a whole number from 1 to that.

    It may be left out unless it is `required`; it is the empty text, or `default`, then.
    """

    name: str
    about: str
    place: Place = "query"
    allowed: tuple[str, ...] = ()
    pattern: str = ""
    longest: int = 200
    most: int = 0
    required: bool = False
    default: str = ""
    example: str = ""

    def read(self, req: func.HttpRequest) -> str:
        """Its value in a request. Raises BadRequest, which names it and what is allowed."""
        carriers: Mapping[Place, Mapping[str, str]] = {
            "query": req.params,
            "path": req.route_params,
            "header": req.headers,
        }
        value = carriers[self.place].get(self.name, "") or self.default
        if self.required and not value:
            raise BadRequest(f"{self.name} is missing: {self.about}.")
        if len(value) > self.longest:
            raise BadRequest(f"{self.name} may have {self.longest} characters, not {len(value)}.")
        if value and self.allowed and value not in self.allowed:
            raise BadRequest(f"{self.name} must be one of {', '.join(self.allowed)}, not {value[:40]!r}.")
        if value and self.pattern and not re.fullmatch(self.pattern, value, re.ASCII):
            raise BadRequest(f"{self.name} must be {self.about}, not {value[:40]!r}.")
        if value and self.most and not (re.fullmatch(r"[0-9]{1,6}", value) and 1 <= int(value) <= self.most):
            raise BadRequest(f"{self.name} must be a whole number from 1 to {self.most}, not {value[:40]!r}.")
        return value


def node_named(name: str, text: str) -> NodeKey:
    """The node that a member or parameter names, with or without `node/`. Raises BadRequest."""
    try:
        return NodeKey.parse(f"node/{text.removeprefix('node/')}")
    except ValueError:
        raise BadRequest(
            f"{name} must be a node, <subscription>/<resource group>, not {text[:160]!r}."
        ) from None


TOP = Parameter(
    "top",
    "how many items a page has at most",
    most=MOST_ITEMS,
    default=str(DEFAULT_ITEMS),
    example="50",
)
CONTINUATION = Parameter(
    "continuation", "`continuation` of the page before this one; empty for the first", longest=4096
)
IF_MATCH = Parameter(
    "If-Match",
    "the ETag that the change is meant for, or `*`; 412 where the resource has changed since",
    place="header",
)
IDEMPOTENCY_KEY = Parameter(
    "Idempotency-Key",
    "1 to 128 printable characters of the caller's choice: a repetition finds what the first request made",
    place="header",
    pattern=r"[!-~]{1,128}",
    example="5f1c9a52-3f0e-4a55-9f4d-2d1f4f7f5a10",
)
SUBSCRIPTION = Parameter(
    "subscription",
    "a subscription id",
    place="path",
    required=True,
    example="b0000000-0000-4000-8000-000000000001",
)
GROUP = Parameter("group", "a resource group name", place="path", required=True, example="sales")
HISTORY = Parameter(
    "history", "`more_history` of the answer before this one, for older changes", longest=4096
)
