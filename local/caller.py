"""Requests to the local Resource Manager by one of its principals, for set-up and tests; not an SDK."""

import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import urlencode

type Json = dict[str, object]

_AUDIENCE = "https://management.azure.com/"


class RequestFailed(RuntimeError):
    """Resource Manager refused a request, or a long operation failed; the message holds the error it gave."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Header names are in lower case; `body` is empty where there was none."""

    status: int
    headers: Mapping[str, str]
    body: Json


@dataclass(frozen=True, slots=True)
class Caller:
    """One principal: `identity_header` is the secret by which the identity endpoint knows it."""

    resource_manager: str
    authority: Path
    identity_endpoint: str
    identity_header: str

    def request(self, method: str, path: str, body: object = None) -> Answer:
        """One request. `path` begins with a slash and carries the api-version. Raises RequestFailed."""
        url = path if path.startswith("https://") else self.resource_manager + path
        headers = {"Authorization": f"Bearer {self._token()}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        answer = self._open(urllib.request.Request(url, data=data, headers=headers, method=method))
        if answer.status >= 400:
            raise RequestFailed(
                f"{method} {path.partition('?')[0]}: {answer.status} {json.dumps(answer.body)}"
            )
        return answer

    def complete(self, method: str, path: str, body: object = None, timeout: float = 150.0) -> Answer:
        """One request and, where it begins a long operation, its end. Answers with the first answer."""
        answer = self.request(method, path, body)
        deadline = time.monotonic() + timeout
        polling = answer.headers.get("azure-asyncoperation")
        while polling:
            poll = self.request("GET", polling)
            state = poll.body.get("status")
            if state == "Succeeded":
                break
            if state in ("Failed", "Canceled"):
                raise RequestFailed(
                    f"{method} {path.partition('?')[0]}: {json.dumps(poll.body.get('error'))}"
                )
            if time.monotonic() > deadline:
                raise RequestFailed(f"{method} {path.partition('?')[0]}: still {state} after {timeout:g} s")
            time.sleep(_pause(poll.headers))
        return answer

    def _token(self) -> str:
        query = urlencode({"api-version": "2019-08-01", "resource": _AUDIENCE})
        request = urllib.request.Request(
            f"{self.identity_endpoint}?{query}", headers={"X-IDENTITY-HEADER": self.identity_header}
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            return str(json.load(response)["access_token"])

    def _open(self, request: urllib.request.Request) -> Answer:
        context = ssl.create_default_context(cafile=str(self.authority))
        try:
            with urllib.request.urlopen(request, timeout=60, context=context) as response:
                return _answer(response.status, response.headers.items(), response.read())
        except urllib.error.HTTPError as error:
            with error:
                return _answer(error.code, error.headers.items(), error.read())


def _answer(status: int, headers: list[tuple[str, str]], content: bytes) -> Answer:
    body = json.loads(content) if content else {}
    named = {name.lower(): value for name, value in headers}
    return Answer(status, named, cast(Json, body) if isinstance(body, dict) else {"value": body})


def _pause(headers: Mapping[str, str]) -> float:
    if "x-ms-retry-after-ms" in headers:
        return float(headers["x-ms-retry-after-ms"]) / 1000
    return float(headers.get("retry-after", "0.2"))
