"""The log store: Log Analytics' tables in DuckDB, fed from Event Hubs, asked in KQL over Azure Monitor's query API."""
