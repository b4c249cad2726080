"""What the query API answers: tables, and errors in the API's shape.

Sources: "Azure Monitor Log Analytics API response format" and "… API errors"; Kusto's own words within `innererror`
are not those of this engine.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

import duckdb
from duckdb_kql import KqlError, KqlSyntaxError

from local.logs.store import Answer, QueryTimeout

type Body = Mapping[str, object]
_TICKS_A_MICROSECOND = 10


class Reply(NamedTuple):
    """A status and a body."""

    status: HTTPStatus
    body: Body


def table_reply(answer: Answer) -> Reply:
    """200, with the code PartialError beside the rows where there were more of them than are answered."""
    kinds = [kind for _, kind in answer.columns]
    table = {
        "name": "PrimaryResult",
        "columns": [{"name": name, "type": kind} for name, kind in answer.columns],
        "rows": [[_cell(kind, value) for kind, value in zip(kinds, row, strict=True)] for row in answer.rows],
    }
    body: dict[str, object] = {"tables": [table]}
    if answer.cut:
        body["error"] = {
            "code": "PartialError",
            "message": "There were some errors when processing your query.",
            "details": [
                {
                    "code": "EngineError",
                    "message": "Something went wrong processing your query on the server.",
                    "innererror": {
                        "code": "-2133196797",
                        "message": f"The results of this query exceed the set limit of {len(answer.rows)} records.",
                        "severity": 2,
                        "severityName": "Error",
                    },
                }
            ],
        }
    return Reply(HTTPStatus.OK, body)


def refusal(status: HTTPStatus, code: str, message: str, inner: Body | None = None) -> Reply:
    """An error as the API words it."""
    error: dict[str, object] = {"message": message, "code": code}
    if inner:
        error["innererror"] = inner
    return Reply(status, {"error": error})


def failure_reply(error: KqlError | duckdb.Error | QueryTimeout) -> Reply:
    """400 with SyntaxError or SemanticError, 504 where the query took too long."""
    if isinstance(error, QueryTimeout):
        return refusal(HTTPStatus.GATEWAY_TIMEOUT, "GatewayTimeout", str(error))
    message = str(error).splitlines()[0]
    if isinstance(error, KqlSyntaxError):
        inner: Body = {"code": "SyntaxError", "message": "A recognition error occurred in the query."}
        detail: Body = {"code": "SYN0002", "message": f"Query could not be parsed: {message}"}
    else:
        inner = {"code": "SemanticError", "message": "A semantic error occurred."}
        detail = {"code": "SEM0100", "message": message}
    return refusal(
        HTTPStatus.BAD_REQUEST,
        "BadArgumentError",
        "The request had some invalid properties",
        {**inner, "innererror": detail},
    )


def _cell(kind: str, value: object) -> object:
    match value:
        case None:
            return "" if kind == "string" else None
        case datetime():
            return _moment(value)
        case timedelta():
            return _span(value)
        case UUID():
            return str(value)
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case bool() | int() | float() | str():
            return value
        case _:
            return str(value)


def _moment(value: datetime) -> str:
    utc = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    text = utc.isoformat()
    return f"{text.rstrip('0') if '.' in text else text}Z"


def _span(value: timedelta) -> str:
    """`[-][d.]hh:mm:ss[.fffffff]`."""
    sign, positive = ("-", -value) if value < timedelta() else ("", value)
    hours, rest = divmod(positive.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    days = f"{positive.days}." if positive.days else ""
    ticks = f".{positive.microseconds * _TICKS_A_MICROSECOND:07d}" if positive.microseconds else ""
    return f"{sign}{days}{hours:02d}:{minutes:02d}:{seconds:02d}{ticks}"
