"""Rules that cannot be used are a dependency that fails, on the health page, with file and line."""

from pathlib import Path

import msgspec
import pytest

from shared.domain.errors import Terminal
from shared.telemetry.rule_files import load_rules
from shared.telemetry.rulebook import Rulebook
from shared.telemetry.rules_probe import SHOWN, RulesProbe
from tests.unit.functions.api import api

GOOD = "name: mine\ntitle: Mine\nseverity: error\nmatch: {level: error}\ncondition: {kind: each}\n"


def probe(folder: Path, text: str) -> RulesProbe:
    (folder / "mine.yaml").write_text(text, encoding="utf-8")
    return RulesProbe(Rulebook(lambda: load_rules([folder])))


async def test_rules_that_can_be_used_are_counted(tmp_path: Path) -> None:
    assert await probe(tmp_path, GOOD).check() == "1 rules are judged."


async def test_each_fault_is_told_with_file_and_line(tmp_path: Path) -> None:
    with pytest.raises(Terminal) as raised:
        await probe(tmp_path, f"{GOOD}cool_down: often\n---\nname: 7\n").check()
    assert raised.value.reason == "RulesInvalid"
    assert f"{tmp_path.name}/mine.yaml:6: cool_down" in raised.value.message
    assert f"{tmp_path.name}/mine.yaml:8: name" in raised.value.message


async def test_very_many_faults_are_not_all_told(tmp_path: Path) -> None:
    with pytest.raises(Terminal) as raised:
        await probe(tmp_path, "---\n".join(["name: 5\n"] * 50)).check()
    assert raised.value.message.count("mine.yaml:") == SHOWN
    assert raised.value.message.endswith("more")


async def test_the_health_page_answers_503_and_says_which_line(tmp_path: Path) -> None:
    world = api()
    world.app = msgspec.structs.replace(world.app, probes=(probe(tmp_path, "name: mine\n"),))
    said = await world.ask("health")
    assert said.status == 503
    [rules] = said.body["dependencies"]
    assert (rules["name"], rules["healthy"]) == ("rules", False)
    assert f"{tmp_path.name}/mine.yaml:1: " in rules["detail"]
