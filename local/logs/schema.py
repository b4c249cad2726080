"""The tables: names, columns and Kusto types as in Azure Monitor's table reference, as far as they are fed or asked."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import cast

type Columns = Mapping[str, str]

DUCKDB_TYPES: Mapping[str, str] = {
    "string": "VARCHAR",
    "datetime": "TIMESTAMP",
    "long": "BIGINT",
    "int": "INTEGER",
    "real": "DOUBLE",
    "bool": "BOOLEAN",
    "guid": "UUID",
    "dynamic": "JSON",
}

# Columns that data platforms' services fill, in their own spelling. DuckDB folds case where Kusto does not: of two
# spellings one has to win, and it shall not depend on who sends first.
FILLED: Mapping[str, Columns] = {
    "AzureDiagnostics": {
        **dict.fromkeys(
            ("pipelineName_s", "activityName_s", "status_s", "ErrorCode_s", "ErrorMessage_s"), "string"
        ),
        **dict.fromkeys(
            ("FailureType_s", "query_hash_s", "query_id_s", "sql_text_s", "DatabaseName_s"), "string"
        ),
        **dict.fromkeys(("mean_time_s", "max_time_s", "calls_s", "requestUri_s", "clientInfo_s"), "string"),
        **dict.fromkeys(("start_t", "end_t"), "datetime"),
        **dict.fromkeys(("duration_d", "max_duration_d", "count_executions_d", "query_time_d"), "real"),
        **dict.fromkeys(("httpStatusCode_d", "error_number_d"), "real"),
    }
}

_KUSTO_TYPES: Mapping[str, str] = {
    **{duckdb: kusto for kusto, duckdb in DUCKDB_TYPES.items()},
    "HUGEINT": "long",
    "UBIGINT": "long",
    "UINTEGER": "long",
    "SMALLINT": "int",
    "TINYINT": "int",
    "FLOAT": "real",
    "DATE": "datetime",
    "TIMESTAMP WITH TIME ZONE": "datetime",
    "INTERVAL": "timespan",
    "TIME": "timespan",
}


def tables() -> Mapping[str, Columns]:
    """By table and column, from `tables.json`."""
    text = (Path(__file__).parent / "tables.json").read_text("utf-8")
    return cast("Mapping[str, Columns]", json.loads(text))


def kusto_type(duckdb_type: str) -> str:
    """The Kusto type that a DuckDB type is answered as; lists and structures are `dynamic`."""
    if duckdb_type.startswith("DECIMAL"):
        return "decimal"
    return _KUSTO_TYPES.get(duckdb_type, "dynamic" if duckdb_type.endswith(("]", ")")) else "string")
