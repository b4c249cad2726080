"""What the documentation tabulates is what the code holds."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from shared.settings import SettingsError, load_settings
from tests.docs.tables import filled, recorded_tables, tables
from tests.unit.telemetry.recordings import ABSENT, RECORDED

DOCS = Path(__file__).resolve().parents[2] / "docs"
PLATFORM = {"AZURE_CLIENT_ID", "AzureWebJobsStorage__blobServiceUri", "FUNCTIONS_WORKER_RUNTIME"}
"""Read by the platform or by Azure's libraries, not by Meshplane."""


def test_each_made_table_is_what_the_code_holds_now() -> None:
    for name, contents in tables().items():
        page = (DOCS / name).read_text(encoding="utf-8")
        assert page == filled(page, contents), f"{name}: run .venv/bin/python -m tests.docs"


@pytest.mark.skipif(not RECORDED.is_dir(), reason=ABSENT)
def test_each_table_of_recorded_telemetry_is_what_it_says_now() -> None:
    for name, contents in recorded_tables().items():
        page = (DOCS / name).read_text(encoding="utf-8")
        assert page == filled(page, contents), f"{name}: run .venv/bin/python -m tests.docs"


class _Asked(Mapping[str, str]):
    """An environment that notes what it was asked for."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


def test_the_settings_page_names_every_setting_that_is_read_and_no_other() -> None:
    asked = _Asked()
    with pytest.raises(SettingsError, match="MESH_HUBS is missing"):
        load_settings(asked)
    page = (DOCS / "settings.md").read_text(encoding="utf-8")
    first_cells = [row.split("|")[1] for row in page.splitlines() if row.startswith("| `")]
    told = {name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)}
    assert told - PLATFORM == asked.names


def test_every_link_between_pages_leads_to_something() -> None:
    pages = [*DOCS.rglob("*.md"), DOCS.parent / "README.md", DOCS.parent / "CONTRIBUTING.md"]
    broken = [
        f"{page.name}: {target}"
        for page in pages
        for target in re.findall(r"\]\((?!https?://|#)([^)#\s]+)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert broken == []
