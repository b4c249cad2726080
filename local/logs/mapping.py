"""From a record as Azure Monitor streams it to a row of Log Analytics.

Sources: "Resource logs in Azure Monitor" (columns of AzureDiagnostics, resource-specific tables), "AzureDiagnostics",
"AzureMetrics", "AzureActivity" and "StorageBlobLogs" of the table reference, "Azure Activity Log event schema".
Who called from where (`identity`, claims, addresses) is left out: nobody who works with this store needs it.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from math import isfinite
from typing import NamedTuple
from uuid import UUID

from local.logs.schema import Columns, tables

type Json = Mapping[str, object]


class Row(NamedTuple):
    """One row of a table; `columns` holds what it has a value for, with its Kusto type."""

    table: str
    columns: Mapping[str, tuple[str, object]]


ACTIVITY = frozenset(
    (
        "administrative",
        "security",
        "servicehealth",
        "alert",
        "recommendation",
        "policy",
        "autoscale",
        "resourcehealth",
    )
)
_FORMER_ACTIVITY = frozenset(("write", "delete", "action"))  # recorded in 2018 and 2019
_PERSONAL = frozenset(("identity", "claims", "calleripaddress", "caller", "authorization", "httprequest"))
_STORAGE = {
    "blobservices": "StorageBlobLogs",
    "fileservices": "StorageFileLogs",
    "queueservices": "StorageQueueLogs",
    "tableservices": "StorageTableLogs",
}
_DATABRICKS = {"jobs": "DatabricksJobs", "notebook": "DatabricksNotebook", "clusters": "DatabricksClusters"}
_COMMON = {
    "category": "Category",
    "correlationid": "CorrelationId",
    "durationms": "DurationMs",
    "level": "Level",
    "operationname": "OperationName",
    "operationversion": "OperationVersion",
    "resultdescription": "ResultDescription",
    "resultsignature": "ResultSignature",
    "resulttype": "ResultType",
}
_TIMES = ("time", "timestamp", "eventtimestring")
_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_READ_TIME: tuple[Callable[[str], datetime], ...] = (
    datetime.fromisoformat,
    lambda text: datetime.strptime(f"{text} +0000", "%m/%d/%Y %H:%M:%S %z"),
    lambda text: datetime.strptime(text, "%m/%d/%Y %I:%M:%S %p %z"),
)
_TABLES = tables()


def row_of(record: Json, received: datetime) -> Row | None:
    """The row that a record becomes; None where it names no resource. `received` stands in for a missing time."""
    folded = {name.lower(): value for name, value in record.items()}
    resource = folded.get("resourceid")
    if not isinstance(resource, str) or not resource:
        return None
    place = _place(resource)
    table = _table(folded, place)
    cells: dict[str, tuple[str, object]] = {
        "TimeGenerated": ("datetime", _time_of(folded) or received),
        "Type": ("string", table),
        "_ResourceId": ("string", resource.lower()),
        "_SubscriptionId": ("string", place["subscription"].lower()),
        "_BilledSize": ("real", float(len(json.dumps(record)))),
        "_IsBillable": ("string", "False" if table == "AzureActivity" else "True"),
        "SourceSystem": ("string", "Azure"),
    }
    fill = {"AzureDiagnostics": _diagnostics, "AzureMetrics": _metrics, "AzureActivity": _activity}
    cells |= fill.get(table, _specific)(table, folded, record, place)
    return Row(table, cells)


def event_row(event: Json, received: datetime) -> Row | None:
    """An application's own event as Application Insights keeps it: `type` or `name`, all else are properties."""
    name = event.get("type") or event.get("name")
    if not isinstance(name, str):
        return None
    at = next((t for key in ("at", "time", "timestamp") if (t := _time(event.get(key)))), received)
    left = {k: v for k, v in event.items() if k not in ("type", "name", "data")}
    data = event.get("data")
    properties = left | (dict(data) if isinstance(data, Mapping) else {})
    texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in properties.items()}
    return Row(
        "AppEvents",
        {
            "TimeGenerated": ("datetime", at),
            "Type": ("string", "AppEvents"),
            "Name": ("string", name),
            "Properties": ("dynamic", texts),
            "ItemCount": ("int", 1),
            "_BilledSize": ("real", float(len(json.dumps(event)))),
            "_IsBillable": ("string", "True"),
        },
    )


def _table(folded: Json, place: Mapping[str, str]) -> str:
    category = str(folded.get("category") or "").lower()
    if "metricname" in folded:
        return "AzureMetrics"
    if category in ACTIVITY or (category in _FORMER_ACTIVITY and "identity" in folded):
        return "AzureActivity"
    if place["provider"] == "MICROSOFT.STORAGE" and category.startswith("storage"):
        return _STORAGE.get(place["child"].lower(), "StorageBlobLogs")
    if place["provider"] == "MICROSOFT.DATABRICKS" and category in _DATABRICKS:
        return _DATABRICKS[category]
    return "AzureDiagnostics"


@lru_cache(maxsize=10_000)
def _place(resource: str) -> Mapping[str, str]:
    """The parts of a resource id that columns name, in upper case as Azure Monitor writes them."""
    parts = resource.strip("/").split("/")
    upper = [part.upper() for part in parts]

    def after(word: str, distance: int = 1) -> str:
        at = upper.index(word) + distance if word in upper else len(upper)
        return upper[at] if at < len(upper) else ""

    types = upper[upper.index("PROVIDERS") + 2 :: 2] if "PROVIDERS" in upper else []
    return {
        "subscription": after("SUBSCRIPTIONS"),
        "group": after("RESOURCEGROUPS"),
        "provider": after("PROVIDERS"),
        "type": "/".join(types),
        "child": types[-1] if types else "",
        "name": upper[-1] if types else "",
    }


def _placed(place: Mapping[str, str]) -> dict[str, tuple[str, object]]:
    return {
        "SubscriptionId": ("string", place["subscription"].lower()),
        "ResourceGroup": ("string", place["group"]),
        "ResourceProvider": ("string", place["provider"]),
        "Resource": ("string", place["name"]),
    }


def _diagnostics(
    _table: str, folded: Json, record: Json, place: Mapping[str, str]
) -> dict[str, tuple[str, object]]:
    cells = _placed(place) | {
        "ResourceId": ("string", str(folded["resourceid"]).upper()),
        "ResourceType": ("string", place["type"]),
    }
    for name, value in record.items():
        column = _COMMON.get(name.lower())
        if column and value not in (None, ""):
            cells[column] = ("long", _whole(value)) if column == "DurationMs" else ("string", _text(value))
        elif not column and name.lower() not in {*_PERSONAL, *_TIMES, "resourceid", "properties"}:
            cells.update(_flat(name, value))
    cells.update(_properties(folded.get("properties")))
    return cells


def _properties(value: object) -> dict[str, tuple[str, object]]:
    """Its members as columns; an object that is encoded as a text is taken apart just so."""
    if isinstance(value, str) and value.startswith("{"):
        try:
            value = json.loads(value)
        except ValueError:
            return {"properties_s": ("string", value)}
    if not isinstance(value, Mapping):
        return dict(_flat("properties", value))
    kept = ((name, inner) for name, inner in value.items() if name.lower() not in _PERSONAL)
    return {name: cell for key, inner in kept for name, cell in _flat(key, inner)}


def _flat(name: str, value: object) -> Iterator[tuple[str, tuple[str, object]]]:
    """A property as columns: objects are taken apart, lists stay texts, the suffix says the type."""
    clean = re.sub(r"\W", "_", name)
    match value:
        case None | "":
            return
        case bool():
            yield f"{clean}_b", ("bool", value)
        case int() | float():
            yield f"{clean}_d", ("real", _real(value))
        case Mapping():
            for inner, content in value.items():
                yield from _flat(f"{clean}_{inner}", content)
        case list():
            yield f"{clean}_s", ("string", json.dumps(value))
        case _:
            text = str(value)
            if _ISO.fullmatch(text) and (time := _time(text)):
                yield f"{clean}_t", ("datetime", time)
            elif guid := _guid(text):
                yield f"{clean}_g", ("guid", guid)
            else:
                yield f"{clean}_s", ("string", text)


def _metrics(
    _table: str, folded: Json, _record: Json, place: Mapping[str, str]
) -> dict[str, tuple[str, object]]:
    numbers = {
        column: ("real", _real(value))
        for column in ("Average", "Count", "Maximum", "Minimum", "Total")
        if isinstance(value := folded.get(column.lower()), int | float)
    }
    return {
        **_placed(place),
        **numbers,
        "ResourceId": ("string", str(folded["resourceid"]).upper()),
        "MetricName": ("string", _text(folded.get("metricname"))),
        "TimeGrain": ("string", _text(folded.get("timegrain"))),
        "UnitName": ("string", _text(folded.get("unit"))),
    }


def _activity(
    _table: str, folded: Json, _record: Json, place: Mapping[str, str]
) -> dict[str, tuple[str, object]]:
    properties = folded.get("properties")
    members = properties if isinstance(properties, Mapping) else {}
    shown = {k: v for k, v in members.items() if k.lower() not in _PERSONAL}
    texts = {
        "CategoryValue": folded.get("category"),
        "OperationNameValue": str(folded.get("operationname") or "").upper(),
        "ActivityStatusValue": folded.get("resulttype"),
        "ActivitySubstatusValue": str(folded.get("resultsignature") or "").partition(".")[2],
        "Level": folded.get("level"),
        "CorrelationId": folded.get("correlationid"),
        "ResourceProviderValue": place["provider"],
        "SubscriptionId": place["subscription"].lower(),
        "ResourceGroup": place["group"],
        "Properties": json.dumps(shown),
    }
    cells: dict[str, tuple[str, object]] = {k: ("string", _text(v)) for k, v in texts.items() if v}
    return {**cells, "Properties_d": ("dynamic", shown)}


def _specific(
    table: str, folded: Json, _record: Json, _place: Mapping[str, str]
) -> dict[str, tuple[str, object]]:
    """A resource-specific table: fields of the record and of its properties under the names of its columns."""
    columns: Columns = _TABLES[table]
    properties = folded.get("properties")
    members = {k.lower(): v for k, v in properties.items()} if isinstance(properties, Mapping) else {}
    given = {**members, **folded}
    cells: dict[str, tuple[str, object]] = {}
    for column, kind in columns.items():
        value = given.get(column.lower())
        if value in (None, "") or column.startswith("_") or column == "TimeGenerated":
            continue
        cells[column] = (kind, _as(kind, value))
    return cells


def _as(kind: str, value: object) -> object:
    match kind:
        case "real":
            return _real(value)
        case "long" | "int":
            return _whole(value)
        case "datetime":
            return _time(value)
        case "dynamic":
            return value
        case _:
            return _text(value)


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _real(value: object) -> float | None:
    try:
        number = float(value) if isinstance(value, int | float) else float(str(value))
    except (ValueError, OverflowError):
        return None
    return number if isfinite(number) else None


def _whole(value: object) -> int | None:
    number = _real(value)
    return None if number is None else int(number)


def _guid(text: str) -> UUID | None:
    if len(text) != 36:
        return None
    try:
        return UUID(text)
    except ValueError:
        return None


def _time_of(folded: Json) -> datetime | None:
    return next((t for name in _TIMES if (t := _time(folded.get(name)))), None)


def _time(value: object) -> datetime | None:
    """A moment in UTC; also as function apps and the operational logs of Event Hubs write it (recorded)."""
    if not isinstance(value, str):
        return None
    for read in _READ_TIME:
        try:
            time = read(value)
            return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return None
