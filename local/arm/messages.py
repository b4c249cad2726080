"""One request to Resource Manager and its answer, free of the HTTP server."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from local.arm.access.book import Right
from local.arm.documents import JsonObject
from local.arm.errors import invalid_body
from local.arm.operations import LongOperation


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls. `name` is for people (the identity's name), `oid` is what quotas and rights go by."""

    oid: str
    name: str
    claims: Mapping[str, object]


# (inferred) Azure deserializes these before it looks at anything else.
_ENVELOPE: dict[str, type] = {"location": str, "tags": dict, "properties": dict}

ANONYMOUS = Principal("", "", {})


@dataclass(slots=True, kw_only=True)
class ArmRequest:
    """`query` has lower-case names; `parameters` are what the route's pattern captured from the path,
    `rights` what was needed and allowed."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: JsonObject | None
    principal: Principal
    request_id: str
    correlation_id: str
    base_url: str
    url: str
    time: datetime
    parameters: dict[str, str] = field(default_factory=dict)
    rights: tuple[Right, ...] = ()

    @property
    def api_version(self) -> str:
        return self.query.get("api-version", "")

    @property
    def subscription(self) -> str:
        return self.parameters.get("subscription", "")

    @property
    def group(self) -> str:
        return self.parameters.get("group", "")

    def document(self) -> JsonObject:
        """The body, which must be a JSON object whose envelope has the types that every resource's has."""
        if self.body is None:
            raise invalid_body("a JSON object is required.")
        for name, type_ in _ENVELOPE.items():
            value = self.body.get(name)
            if value is not None and not isinstance(value, type_):
                raise invalid_body(f"'{name}' has a value of the wrong type.")
        tags = self.body.get("tags")
        for value in tags.values() if isinstance(tags, dict) else ():
            if isinstance(value, dict | list):
                raise invalid_body("a tag's value must be a string.")
        return self.body


@dataclass(slots=True, kw_only=True)
class ArmResponse:
    """`operation` is the long operation that this answer has only begun: its end is reported later."""

    status: int = 200
    body: JsonObject | None = None
    headers: dict[str, str] = field(default_factory=dict)
    operation: LongOperation | None = None
