"""What the app needs of infra/ goes to the cloud with it."""

import subprocess

import pytest

from tests.queries.parser import QUERIES, ROOT


def test_the_queries_are_deployed_and_the_rest_of_infra_is_not() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("no checkout of git, whose rules .funcignore follows")
    left_out = subprocess.run(
        ["git", "ls-files", "--cached", "--ignored", "--exclude-from=.funcignore", "infra"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert "infra/README.md" in left_out
    assert [name for name in left_out if name.startswith("infra/queries/")] == []
    assert list(QUERIES.glob("*.kql"))
