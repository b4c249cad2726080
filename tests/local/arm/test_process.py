"""`python -m local.arm` and `python -m local.identity` as processes: one ready line, clean end, state kept."""

import json
import secrets
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import aiohttp
import pytest
import trustme

from tests.support.local_arm import SUBSCRIPTION

REPOSITORY = Path(__file__).resolve().parents[3]


@dataclass(slots=True)
class Processes:
    directory: Path
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, module: str, *arguments: str) -> dict[str, object]:
        """Start a module and wait for its ready line."""
        with (self.directory / f"{module}.log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=REPOSITORY,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.running.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, (self.directory / f"{module}.log").read_text()
        return cast(dict[str, object], json.loads(line))

    def stop(self) -> list[int]:
        """End everything with SIGTERM; the exit statuses."""
        statuses: list[int] = []
        for process in self.running:
            process.send_signal(signal.SIGTERM)
            output, _ = process.communicate(timeout=20)
            assert output == "", "standard output holds the ready line only"
            statuses.append(process.returncode)
        self.running.clear()
        return statuses


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    made = Processes(tmp_path)
    yield made
    for process in made.running:
        process.kill()
        process.communicate()


def write_files(directory: Path) -> list[str]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(directory / "ca.pem")
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    certificate.private_key_pem.write_to_path(directory / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(directory / "cert.pem")
    (directory / "token.key").write_text(secrets.token_hex(32))
    names = {
        "certificate": "cert.pem",
        "private-key": "key.pem",
        "token-key-file": "token.key",
        "state": "state.json",
    }
    return [part for option, name in names.items() for part in (f"--{option}", str(directory / name))]


@pytest.mark.stack
async def test_a_token_from_one_opens_the_other_and_state_survives(
    processes: Processes, tmp_path: Path
) -> None:
    """A group made with a token of the identity endpoint is still there after a restart of Resource Manager."""
    options = write_files(tmp_path)
    key = str(tmp_path / "token.key")
    identity = processes.start("local.identity", "--token-key-file", key, "--principal", "me=secret")
    context = ssl.create_default_context(cafile=tmp_path / "ca.pem")
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
        query = "?api-version=2019-08-01&resource=https://management.azure.com/"
        async with session.get(
            f"{identity['endpoint']}{query}", headers={"X-IDENTITY-HEADER": "secret"}
        ) as answer:
            headers = {"Authorization": f"Bearer {(await answer.json())['access_token']}"}
        path = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/a?api-version=2022-09-01"
        first = processes.start("local.arm", *options)
        async with session.put(
            f"{first['endpoint']}{path}", json={"location": "westeurope"}, headers=headers
        ) as made:
            assert made.status == 201
        assert processes.stop() == [0, 0]
        second = processes.start("local.arm", *options)
        async with session.get(f"{second['endpoint']}{path}", headers=headers) as found:
            assert found.status == 200
    assert processes.stop() == [0]
