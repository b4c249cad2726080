"""Reads recorded exchanges with Resource Manager, whatever their format.

Four formats: VCR cassettes of Python, Go and Ruby clients (`interactions`, `http_interactions`), Java session
records (`networkCallRecords`, without request bodies) and .NET session records (`Entries`, grouped by URL: put
back into the order of their `Date` headers).
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import yaml

from local.arm.documents import Json, JsonObject

RECORDINGS = Path(__file__).resolve().parents[5] / "shared" / "real-data" / "B-recordings"
# Every recording's subscription, real or placeholder, becomes this one.
SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
_SUBSCRIPTION = re.compile(r"(?<=subscriptions/)[^/?\"'\s]+", re.IGNORECASE)
# What cloud-custodian put in the place of request bodies.
_SCRUBBED = "mock_body"
_QUOTED = re.compile(r"(?:b\\?')*(.*?)(?:\\?')*", re.DOTALL)


class _Loader(yaml.CSafeLoader):
    pass


def _unicode(loader: _Loader, node: yaml.ScalarNode) -> str:
    return str(loader.construct_scalar(node))


_Loader.add_constructor("tag:yaml.org,2002:python/unicode", _unicode)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """`path` and `query` are of the request; `sent` is None where no body was recorded or sent, text where it is
    no JSON. Headers have lower-case names. `bodies_recorded` is off where the format leaves request bodies out.
    """

    index: int
    method: str
    host: str
    path: str
    query: str
    sent: Json
    request_headers: Mapping[str, str]
    status: int
    headers: Mapping[str, str]
    body: Json
    bodies_recorded: bool = True

    @property
    def url(self) -> str:
        return self.path + (f"?{self.query}" if self.query else "")

    @property
    def document(self) -> JsonObject:
        """The answer's JSON object, empty where it was none."""
        return self.body if isinstance(self.body, dict) else {}


def files() -> list[Path]:
    found = (path for path in RECORDINGS.rglob("*") if path.suffix in (".yaml", ".yml", ".json"))
    return sorted(path for path in found if path.parent != RECORDINGS)


def exchanges(path: Path) -> list[Exchange]:
    """In the order in which they happened."""
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    document = json.loads(text) if path.suffix == ".json" else yaml.load(text, Loader=_Loader)
    items = document.get("interactions") or document.get("http_interactions") or []
    found = [*_cassette(items), *_java(document.get("networkCallRecords") or [])]
    return found or _net(document.get("Entries") or [])


def _cassette(items: Sequence[Mapping[str, Mapping[str, object]]]) -> Iterator[Exchange]:
    for index, item in enumerate(items):
        request, response = item["request"], item["response"]
        status = response.get("code") or response.get("status")
        if isinstance(status, dict):
            status = status["code"]
        yield _exchange(
            index=index,
            method=str(request["method"]),
            url=str(request.get("uri") or request["url"]),
            sent=_text(request.get("body")),
            request_headers=_headers(request.get("headers")),
            status=int(str(status).split()[0]),
            headers=_headers(response.get("headers")),
            body=_text(response.get("body")),
        )


def _java(items: Sequence[Mapping[str, object]]) -> Iterator[Exchange]:
    for index, item in enumerate(items):
        response = cast(Mapping[str, object], item["Response"])
        yield _exchange(
            index=index,
            method=str(item["Method"]),
            url=str(item["Uri"]),
            sent=None,
            request_headers=_headers(item.get("Headers")),
            status=int(str(response.get("StatusCode", 0))),
            headers=_headers(response),
            body=_text(response.get("Body")),
            bodies_recorded=False,
        )


def _net(items: Sequence[Mapping[str, object]]) -> list[Exchange]:
    found = [
        _exchange(
            index=index,
            method=str(item["RequestMethod"]),
            url=str(item["RequestUri"]),
            sent=_text(item.get("RequestBody")),
            request_headers=_headers(item.get("RequestHeaders")),
            status=int(str(item["StatusCode"])),
            headers=_headers(item.get("ResponseHeaders")),
            body=_text(item.get("ResponseBody")),
        )
        for index, item in enumerate(items)
    ]
    return sorted(found, key=lambda exchange: _date(exchange.headers))


def _date(headers: Mapping[str, str]) -> float:
    return parsedate_to_datetime(headers["date"]).timestamp() if "date" in headers else 0.0


def _exchange(
    *,
    index: int,
    method: str,
    url: str,
    sent: str | None,
    request_headers: Mapping[str, str],
    status: int,
    headers: Mapping[str, str],
    body: str | None,
    bodies_recorded: bool = True,
) -> Exchange:
    rooted = "/" + url.lstrip("/") if url.startswith("//") else url
    parts = urlsplit(_SUBSCRIPTION.sub(SUBSCRIPTION, rooted))
    return Exchange(
        index=index,
        method=method.upper(),
        host=parts.netloc,
        path=parts.path,
        query=parts.query,
        sent=_json(_QUOTED.fullmatch(sent or "")),
        request_headers=request_headers,
        status=status,
        headers={name: _SUBSCRIPTION.sub(SUBSCRIPTION, value) for name, value in headers.items()},
        body=_decoded(body),
        bodies_recorded=bodies_recorded and sent != _SCRUBBED,
    )


def _json(match: re.Match[str] | None) -> Json:
    """Request bodies; some were recorded as the text of a bytes literal within another."""
    return _decoded(match[1]) if match else None


def _decoded(text: str | None) -> Json:
    """JSON; some bytes literals were recorded with their backslashes doubled. Other text stays text."""
    if not text or not text.strip():
        return None
    clean = _SUBSCRIPTION.sub(SUBSCRIPTION, text.lstrip("\ufeff"))
    for spelling in (clean, clean.replace("\\\\", "\\")):
        try:
            return cast(Json, json.loads(spelling))
        except ValueError:
            continue
    return text


def _text(body: object) -> str | None:
    if isinstance(body, dict):
        body = body.get("string", body.get("data", body.get("body")))
    if isinstance(body, bytes):
        return body.decode("utf-8", "replace")
    return body if isinstance(body, str) or body is None else json.dumps(body)


def _headers(raw: object) -> dict[str, str]:
    items = raw.items() if isinstance(raw, dict) else ()
    return {
        str(name).lower(): ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        for name, value in items
    }
