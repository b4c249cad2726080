"""The mesh's records in Azure Table Storage."""
