"""The documentation shows what the product does: pictures and tables are made anew and compared."""

from tests.docs.__main__ import DOCS, pictures


async def test_the_pictures_show_what_azure_holds_after_a_run_of_today() -> None:
    """Written by `python -m tests.docs`."""
    made = await pictures()
    kept = {path.name: path.read_text(encoding="utf-8") for path in (DOCS / "pictures").glob("*.svg")}
    assert sorted(made) == sorted(kept)
    stale = [name for name in made if made[name] != kept[name]]
    assert stale == [], "run: .venv/bin/python -m tests.docs"
