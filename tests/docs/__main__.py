"""`python -m tests.docs`: writes the pictures and tables of the documentation anew, and the schemas of YAML files."""

import asyncio
import json
from pathlib import Path

from shared.governance import policy_files, policy_schema
from shared.telemetry.rule_files import LIBRARY
from shared.telemetry.rule_schema import SCHEMA_FILE, rule_schema
from tests.docs.drawing import draw
from tests.docs.scenes import SCENES, picture_of
from tests.docs.states import draw_states
from tests.docs.tables import filled, recorded_tables, tables
from tests.unit.telemetry.recordings import RECORDED

DOCS = Path(__file__).resolve().parents[2] / "docs"


async def pictures() -> dict[str, str]:
    """What each file under docs/pictures holds."""
    options = {f"option-{option}.svg": draw(await picture_of(option)) for option in SCENES}
    return {**options, "edge-states.svg": draw_states()}


def main() -> None:
    for name, content in asyncio.run(pictures()).items():
        (DOCS / "pictures" / name).write_text(content, encoding="utf-8")
    for name, contents in (tables() | (recorded_tables() if RECORDED.is_dir() else {})).items():
        page = DOCS / name
        page.write_text(filled(page.read_text(encoding="utf-8"), contents), encoding="utf-8")
    schemas = {
        LIBRARY / SCHEMA_FILE: rule_schema(),
        policy_files.LIBRARY / policy_schema.SCHEMA_FILE: policy_schema.policy_schema(),
    }
    for path, schema in schemas.items():
        path.write_text(f"{json.dumps(schema, indent=2, ensure_ascii=False)}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
