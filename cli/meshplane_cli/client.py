"""The HTTP API as a client sees it: requests, pages, problems. Never says the key or a token to anybody but the API."""

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

import httpx

from meshplane_cli.errors import FromApi, Refused, Unreachable, Unusable
from meshplane_cli.version import VERSION

type Json = dict[str, Any]  # any JSON object: shown as it comes
type Method = Literal["GET", "POST", "DELETE"]

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 240.0  # the platform cuts a request off after 230 s
MOST_TRIES = 3
LONGEST_PAUSE = 30.0
MOST_ITEMS = 1000  # of a page
_PASSING = (429, 502, 503, 504)
_REMEDIES = {
    400: "Mend what it names.",
    401: "Give the function key (--key, MESHPLANE_KEY); where the app's platform authentication is on, also --auth"
    " azure, signed in with `az login`.",
    403: "Ask whoever runs the mesh for the application role, or have somebody do it who has it.",
    404: "Look for its name in the list of its kind, or check that the address (--url, MESHPLANE_URL) is the app's.",
    409: "Look at its state, and do what that takes.",
    412: "It has changed since it was read: look at it again, then decide.",
    422: "Mend what it names.",
    429: "Wait a minute, then try again.",
    502: "Azure refused something: mend that, then try again.",
    503: "Wait a little, then try again; `meshplane health` tells which dependency does not answer.",
    504: "Ask for less: fewer hours, or one node.",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its JSON, and what else of it matters."""

    status: int
    body: Json
    etag: str = ""
    headers: Mapping[str, str] | None = None


class Client:
    """Speaks to one app; `pause` waits for so many seconds between tries."""

    def __init__(self, http: httpx.Client, pause: Callable[[float], None] = time.sleep) -> None:
        self._http = http
        self.pause = pause

    def close(self) -> None:
        """Ends its connections."""
        self._http.close()

    def get(self, path: str, query: Mapping[str, object] | None = None) -> Reply:
        """Reads something. Raises Refused, Unreachable."""
        return self._send("GET", path, query)

    def post(
        self,
        path: str,
        body: Json | None = None,
        *,
        query: Mapping[str, object] | None = None,
        etag: str = "",
        idempotency_key: str = "",
    ) -> Reply:
        """Asks for a change, of the version `etag` where that is given. Raises Refused, Unreachable, Unusable."""
        headers = {"If-Match": etag, "Idempotency-Key": idempotency_key}
        given = {name: value for name, value in headers.items() if value}
        for name, value in given.items():
            if not (value.isascii() and value.isprintable()):
                raise Unusable(
                    f"{name} takes printable characters of ASCII alone.", to=value, do="Give another."
                )
        return self._send("POST", path, query, body, given)

    def delete(self, path: str) -> Reply:
        """Has something ended. Raises Refused, Unreachable."""
        return self._send("DELETE", path)

    def items(self, path: str, query: Mapping[str, object], limit: int) -> Iterator[Json]:
        """What a list holds, page after page: all of it, or the first `limit`. Raises as `get`."""
        left, continuation = limit, ""
        while True:
            top = min(left, MOST_ITEMS) if limit else MOST_ITEMS
            page = self.get(path, {**query, "top": top, "continuation": continuation}).body
            found = page.get("items", [])
            yield from found[:left] if limit else found
            left -= len(found)
            continuation = page.get("continuation", "")
            if not continuation or (limit and left <= 0):
                return

    def whole(self, path: str) -> list[Json]:
        """What a list holds that has no pages. Raises as `get`."""
        return list(self.get(path).body.get("items", []))

    def once(self, method: Method, path: str) -> httpx.Response:
        """One answer as it comes, whatever its status. Raises Unreachable where there is none."""
        return self._exchange(method, path, {}, None, {})

    def _send(
        self,
        method: Method,
        path: str,
        query: Mapping[str, object] | None = None,
        body: Json | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Tries again what passes, if to do it twice is to do it once."""
        given = dict(headers or {})
        tries = MOST_TRIES if method == "GET" or "Idempotency-Key" in given else 1
        for left in reversed(range(tries)):
            try:
                return self._reply(method, path, query or {}, body, given)
            except FromApi as error:
                if not left or not _may_pass(error):
                    raise
                self.pause(min(error.retry_after or 1.0, LONGEST_PAUSE))
        raise AssertionError("unreachable: the last try answers or raises")

    def _reply(
        self,
        method: Method,
        path: str,
        query: Mapping[str, object],
        body: Json | None,
        headers: Mapping[str, str],
    ) -> Reply:
        response = self._exchange(method, path, query, body, headers)
        if not response.is_success:
            raise problem(response, f"{method} {path}")
        found = document(response)
        if found is None:
            what = "The answer is no JSON object."
            raise Unreachable(what, to=f"{method} {path}", do=_REMEDIES[404], status=response.status_code)
        return Reply(response.status_code, found, response.headers.get("ETag", ""), response.headers)

    def _exchange(
        self,
        method: Method,
        path: str,
        query: Mapping[str, object],
        body: Json | None,
        headers: Mapping[str, str],
    ) -> httpx.Response:
        asked = {name: str(value) for name, value in query.items() if value not in ("", None)}
        try:
            return self._http.request(method, f"/api/{path}", params=asked, json=body, headers=dict(headers))
        except httpx.RequestError as error:
            what = f"{self._http.base_url.host} does not answer: {error or type(error).__name__}."
            do = "Check the address (--url, MESHPLANE_URL), the network and proxies; `meshplane doctor` looks closer."
            raise Unreachable(what, to=f"{method} {path}", do=do) from error
        except ValueError as error:  # no number of JSON, or bytes of the command line that are no text
            do = "Give numbers that are finite, and texts in the terminal's encoding."
            raise Unusable("What was given cannot be sent.", to=f"{method} {path}", do=do) from error


def connect(url: str, key: str, token: Callable[[], str] | None) -> Client:
    """A client of the app at an address; redirects are not followed, as they could lead the key elsewhere.

    Raises Unusable where the environment's certificates or proxies are none; it does not repeat them, for a proxy's
    address may hold a password.
    """
    try:
        http = httpx.Client(
            base_url=url,
            headers={"Accept": "application/json", "User-Agent": f"meshplane-cli/{VERSION}"},
            auth=_Callers(key, token),
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
        )
    except OSError as error:
        do = "Check SSL_CERT_FILE and SSL_CERT_DIR."
        raise Unusable("The certificates of your authority cannot be read.", do=do) from error
    except (ValueError, ImportError, httpx.InvalidURL) as error:
        do = "Check HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY: http:// and https:// proxies are taken."
        raise Unusable("The proxy that the environment names cannot be used.", do=do) from error
    return Client(http)


class _Callers(httpx.Auth):
    """Says who calls: by the function key, by a token, or by both."""

    def __init__(self, key: str, token: Callable[[], str] | None) -> None:
        self._key = key
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        if self._key:
            request.headers["x-functions-key"] = self._key
        if self._token is not None:
            request.headers["Authorization"] = f"Bearer {self._token()}"
        yield request


def _may_pass(error: FromApi) -> bool:
    """Whether the next try may fare better; what took all its time would take it once more."""
    return error.status in _PASSING or not (error.status or isinstance(error.__cause__, httpx.ReadTimeout))


def segment(text: str) -> str:
    """A text as one part of a path."""
    return quote(text, safe="", errors="surrogateescape")


def document(response: httpx.Response) -> Json | None:
    """The JSON object that an answer carries."""
    try:
        found = response.json()
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def problem(response: httpx.Response, target: str) -> FromApi:
    """An answer that is an error: RFC 9457 where the app speaks, less where only the platform does."""
    status, told = response.status_code, document(response) or {}
    kind = Refused if 400 <= status < 500 else Unreachable
    error = kind(
        str(told.get("detail") or _unexplained(response)),
        to=target,
        do=_REMEDIES.get(status, "Try again later; the app's log says more."),
        status=status,
        code=str(told.get("code") or ""),
        allowed=[str(each) for each in told.get("allowed") or ()],
    )
    error.retry_after = _seconds(response.headers.get("Retry-After", ""))
    return error


def _unexplained(response: httpx.Response) -> str:
    said = f"The answer is {response.status_code} {response.reason_phrase}"
    return f"{said}, and leads to another address." if response.is_redirect else f"{said}."


def _seconds(text: str) -> float:
    return float(text) if text.isascii() and text.isdigit() else 0.0
