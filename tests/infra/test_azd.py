"""azd finds what azure.yaml names, and its hook passes what main.bicepparam reads."""

import os
import re

import yaml

from tests.infra.reader.expressions import Name
from tests.infra.sources import INFRA, ROOT, bicep

CONFIG = yaml.safe_load((ROOT / "azure.yaml").read_text(encoding="utf-8"))
HOOKS = CONFIG["hooks"]["postdeploy"]
FROM_AZD = {"AZURE_ENV_NAME", "AZURE_LOCATION"}


def test_the_service_is_deployed_to_the_app_that_carries_its_name() -> None:
    (service,) = CONFIG["services"]
    assert f"'azd-service-name': '{service}'" in bicep("modules/functionapp.bicep").text
    assert CONFIG["services"][service] == {"project": ".", "language": "python", "host": "function"}
    assert (ROOT / CONFIG["infra"]["path"] / f"{CONFIG['infra']['module']}.bicep").is_file()


def test_azd_is_told_the_group_and_takes_no_hub_for_its_own() -> None:
    main = bicep("main.bicep")
    assert "AZURE_RESOURCE_GROUP" in main.outputs
    for body in (main.resources["newHubGroups"].body, main.modules["newHub"].body):
        tags = body.get("tags") or body.get("params", "tags")
        assert tags == Name("hubTags")


def test_an_environment_that_was_removed_starts_with_its_code_again() -> None:
    said = {shell["run"] for shell in CONFIG["hooks"]["postdown"].values()}
    assert said == {"azd env set MESH_CODE_IS_DEPLOYED false"}


def test_both_hooks_are_there_and_deploy_the_events_that_wait_for_the_code() -> None:
    read = set(re.findall(r"readEnvironmentVariable\('(\w+)'", (INFRA / "main.bicepparam").read_text()))
    for system, assignment in (
        ("posix", "MESH_CODE_IS_DEPLOYED=true"),
        ("windows", "$env:MESH_CODE_IS_DEPLOYED"),
    ):
        script = ROOT / HOOKS[system]["run"]
        said = script.read_text(encoding="utf-8")
        assert assignment in said
        assert "--parameters infra/main.bicepparam" in said
        assert "azd env set MESH_CODE_IS_DEPLOYED true" in said
    assert "MESH_CODE_IS_DEPLOYED" in read
    assert read >= FROM_AZD
    assert os.access(ROOT / HOOKS["posix"]["run"], os.X_OK)


def test_no_output_overwrites_what_somebody_sets_for_a_parameter() -> None:
    """azd keeps outputs under their names in the environment that main.bicepparam reads."""
    read = set(re.findall(r"readEnvironmentVariable\('(\w+)'", (INFRA / "main.bicepparam").read_text()))
    assert read & set(bicep("main.bicep").outputs) == set()
