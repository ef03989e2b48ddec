"""Sends one request and judges its answer; outputs are its `status` and its `json`.

TLS certificates are always checked. Redirects are followed, and addresses that are not public reached, only
where the step says so. A Connection's credentials go to its own host alone, and only over TLS.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, Protocol
from urllib.parse import urlsplit

from runner.execution.actions.addresses import Private, public_addresses
from runner.execution.actions.failure import ActionFailed
from runner.vocabulary.duration import format_size, parse_size

if TYPE_CHECKING:
    import httpx2

CONNECT_TIMEOUT_S = 15.0
SILENCE_TIMEOUT_S = 60.0
"""Longest pause between two pieces of the answer; the step's own timeout ends the whole."""

REDIRECTS = 10
SHOWN = 300
"""Characters of an unexpected answer that are shown."""
JSON_OUTPUT = 256 * 1024
"""Bytes of JSON that become an output; outputs are kept in the runner's database."""

_RETRYABLE = {408, 425, 429}


class Caller(Protocol):
    """Who sends the request: a step, or the runner itself. `connections` has those that it may use."""

    @property
    def connections(self) -> Mapping[str, Mapping[str, Any]]: ...
    def log(self, text: str) -> None: ...
    def warn(
        self, description: str, *, code: str = "warning", info: Mapping[str, Any] | None = None
    ) -> None: ...


def perform(action: Mapping[str, Any], step: Caller) -> dict[str, Any]:
    """Send it; ActionFailed `authorization`, `status`, `timeout`, `connection`, … when it is no success."""
    url, credentials = _target(action, step)
    private = bool(action.get("privateAddresses"))
    if credentials and urlsplit(url).scheme != "https" and not private:
        raise ActionFailed(
            "insecure",
            f"{_shown(url)} has no TLS, so credentials are not sent there; use https",
        )
    limit = parse_size(str(action.get("maxBody") or "10MiB"))
    method = str(action.get("method") or "GET")
    with _told(url), _client(action, credentials, private=private) as client:
        headers, content = _body(action)
        with client.stream(
            method, url, params=_texts(action.get("query")) or None, headers=headers, content=content
        ) as response:
            text = _read(response, limit, url)
            step.log(f"{method} {_shown(url)}: {response.status_code}, {format_size(len(text))}")
            _judge(response, text, action.get("expect") or {}, url)
            return {"status": response.status_code, "json": _json(response, text, step)}


def _target(action: Mapping[str, Any], step: Caller) -> tuple[str, Mapping[str, str]]:
    """The whole URL, and the credentials for its host."""
    name = action.get("connection")
    if not name:
        url, credentials = str(action["url"]), {}
    else:
        declared = step.connections.get(name)
        if declared is None:
            known = ", ".join(sorted(step.connections)) or "none"
            raise ActionFailed("unknown-connection", f"there is no connection {name!r}; declared: {known}")
        url = str(declared["url"])
        credentials = {
            key: str(value) for key, value in declared.items() if key != "url" and value is not None
        }
        path = action.get("path")
        if path:
            if urlsplit(str(path)).scheme or str(path).startswith("//"):
                raise ActionFailed(
                    "bad-url", f"path {path!r} is a whole URL; it may not leave the connection"
                )
            url = url.rstrip("/") + "/" + str(path).lstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ActionFailed("bad-url", f"{_shown(url)} is not a URL like https://example.org/path")
    if parts.username or parts.password:
        raise ActionFailed("bad-url", f"{_shown(url)}: credentials belong into an Authorization, not the URL")
    return url, credentials


def _client(action: Mapping[str, Any], credentials: Mapping[str, str], *, private: bool) -> httpx2.Client:
    import httpx2

    auth: tuple[str, str] | None = None
    headers = {"User-Agent": "jobs-runner", "Accept": "application/json, */*"}
    if "token" in credentials:
        headers["Authorization"] = f"Bearer {credentials['token']}"
    elif credentials.get("user") is not None:
        auth = (credentials["user"], credentials.get("password", ""))
    return httpx2.Client(
        transport=_transport(private=private),
        auth=auth,
        headers=headers,
        follow_redirects=bool(action.get("redirects")),
        max_redirects=REDIRECTS,
        timeout=httpx2.Timeout(SILENCE_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
        trust_env=False,
        event_hooks={"request": [_refuse_downgrade(action)]},
    )


def _refuse_downgrade(action: Mapping[str, Any]) -> Any:
    """A hook that lets no redirect lead from TLS to plain text."""
    secure: list[bool] = []

    def check(request: httpx2.Request) -> None:
        secure.append(request.url.scheme == "https")
        if secure[0] and not secure[-1]:
            raise ActionFailed("insecure", f"a redirect leads from https to {_shown(str(request.url))}")

    return check


def _transport(*, private: bool) -> httpx2.BaseTransport:
    """The usual transport over a network layer that connects to checked addresses only."""
    import ssl

    import httpcore2
    import httpx2

    class Checked(httpcore2.SyncBackend):
        def connect_tcp(
            self,
            host: str,
            port: int,
            timeout: float | None = None,
            local_address: str | None = None,
            socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
        ) -> httpcore2.NetworkStream:
            try:
                addresses = [host] if private else public_addresses(host, port)
            except OSError as error:
                raise httpcore2.ConnectError(f"{host}: {error.strerror}") from None
            failure: Exception | None = None
            for address in addresses:
                try:
                    return super().connect_tcp(address, port, timeout, local_address, socket_options)
                except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                    failure = error
            raise failure or httpcore2.ConnectError(f"{host} has no address")

    class Transport(httpx2.HTTPTransport):
        def __init__(self) -> None:
            self._pool = httpcore2.ConnectionPool(
                ssl_context=ssl.create_default_context(), network_backend=Checked()
            )

    return Transport()


def _body(action: Mapping[str, Any]) -> tuple[dict[str, str], bytes | None]:
    headers = _texts(action.get("headers"))
    body = action.get("body")
    if body is None:
        return headers, None
    if isinstance(body, str):
        return headers, body.encode()
    if "content-type" not in {name.lower() for name in headers}:
        headers["Content-Type"] = "application/json"
    return headers, json.dumps(body, allow_nan=False).encode()


def _texts(values: Mapping[str, Any] | None) -> dict[str, str]:
    return {
        str(name): str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in (values or {}).items()
        if value is not None
    }


def _read(response: httpx2.Response, limit: int, url: str) -> bytes:
    """The whole answer, unpacked; never more than the limit is kept."""
    content = bytearray()
    for piece in response.iter_bytes(64 * 1024):
        content += piece
        if len(content) > limit:
            raise ActionFailed(
                "answer-too-large",
                f"{_shown(url)}: the answer is larger than {format_size(limit)}, the step's maxBody",
            )
    return bytes(content)


def _judge(response: httpx2.Response, content: bytes, expect: Mapping[str, Any], url: str) -> None:
    status = response.status_code
    accepted = expect.get("status")
    if accepted is None:
        is_accepted = 200 <= status < 300
        wanted = "2xx"
    else:
        accepted = [accepted] if isinstance(accepted, int) else list(accepted)
        is_accepted = status in accepted
        wanted = " or ".join(map(str, accepted))
    if not is_accepted:
        advice = ""
        code = "status"
        if status in (401, 403):
            code, advice = "authorization", "; check the credentials of the Authorization"
        elif 300 <= status < 400:
            advice = "; redirects are not followed unless the step declares redirects: true"
        raise ActionFailed(
            code,
            f"{_shown(url)} answered {status}, not {wanted}{advice}{_excerpt(response, content)}",
            retryable=status in _RETRYABLE or status >= 500,
            info={"status": status},
        )
    contains = expect.get("contains")
    if contains and str(contains) not in content.decode(response.encoding or "utf-8", "replace"):
        raise ActionFailed(
            "answer",
            f"{_shown(url)} answered {status}, but without {contains!r}{_excerpt(response, content)}",
            retryable=True,
            info={"status": status},
        )


def _excerpt(response: httpx2.Response, content: bytes) -> str:
    text = " ".join(content[: SHOWN * 4].decode(response.encoding or "utf-8", "replace").split())
    return f": {text[:SHOWN]}{'…' if len(text) > SHOWN else ''}" if text else ""


def _json(response: httpx2.Response, content: bytes, step: Caller) -> Any:
    """The answer as JSON when it says that it is, else null."""
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not content or not (kind == "application/json" or kind.endswith("+json")):
        return None
    if len(content) > JSON_OUTPUT:
        step.warn(f"the answer is larger than {format_size(JSON_OUTPUT)}, so it is no output")
        return None
    try:
        return json.loads(content, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise ActionFailed(
            "answer", "the answer says that it is JSON, but it is not", retryable=True
        ) from None


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(text)


@contextlib.contextmanager
def _told(url: str) -> Iterator[None]:
    """A network error becomes a sentence with the URL's host, and without its query."""
    import httpx2

    try:
        yield
    except Private as problem:
        raise ActionFailed(
            "private-address",
            f"{problem}, which is not a public address; declare privateAddresses: true if it is meant",
        ) from None
    except httpx2.TimeoutException as error:
        what = "no connection" if isinstance(error, httpx2.ConnectTimeout) else "no answer"
        raise ActionFailed("timeout", f"{_shown(url)}: {what} in time", retryable=True) from None
    except httpx2.TooManyRedirects:
        raise ActionFailed("redirects", f"{_shown(url)}: more than {REDIRECTS} redirects") from None
    except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
        raise ActionFailed("bad-url", f"{_shown(url)}: {error}") from None
    except httpx2.DecodingError:
        raise ActionFailed(
            "answer", f"{_shown(url)}: the answer cannot be unpacked", retryable=True
        ) from None
    except (httpx2.HTTPError, UnicodeEncodeError) as error:
        text = str(error)
        if isinstance(error, UnicodeEncodeError) or "header value" in text:
            raise ActionFailed(
                "bad-header",  # not what it is: the text quotes it, and it may be a secret
                f"{_shown(url)}: a header, or the credentials, hold a line end or a character that is not "
                "printable ASCII, which HTTP does not carry",
            ) from None
        if "CERTIFICATE_VERIFY_FAILED" in text:
            reason = text.partition("CERTIFICATE_VERIFY_FAILED]")[2].strip(" :") or text
            raise ActionFailed("certificate", f"{_shown(url)}: {reason}") from None
        raise ActionFailed("connection", f"{_shown(url)}: {text or type(error).__name__}", True) from None


def _shown(url: str) -> str:
    """Without user, password, query and fragment: they may be secret."""
    parts = urlsplit(url)
    if not parts.scheme:
        return parts.path[:200]
    try:
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        port = ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"[:200]
