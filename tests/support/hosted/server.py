"""The HTTP server behind each recorded service: routes, strictness, misbehavior."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "key-of-the-service-0123456789"


class Refused(Exception):
    """The service refuses a request."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


@dataclass
class Call:
    """One request as the service sees it; `form` has the fields of a multipart body, `files` its files."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    raw: bytes = b""
    form: dict[str, str] = field(default_factory=dict)
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.raw or b"{}")


@dataclass
class Trouble:
    """What goes wrong with the next request that matches: a status, a silence, a connection that breaks.

    `after`: the service does what it was asked before it fails, so that only its answer is lost.
    """

    method: str
    path: str
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    silent_s: float = 0.0
    cut_at: int | None = None  # bytes of the request that are read before the connection closes
    after: bool = False


@dataclass
class Bytes:
    """An answer that is not JSON."""

    data: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Redirect:
    to: str


Route = Callable[..., Any]


class Service:
    """A service while it runs. `violations` are requests that its documents do not describe."""

    base = "/v1"
    key_header = "authorization"

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.violations: list[str] = []
        self.troubles: list[Trouble] = []
        self.routes: list[tuple[str, re.Pattern[str], Route]] = []
        self.add_routes()
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                return

            def _any(self) -> None:
                service.handle(self)

            def do_GET(self) -> None:
                self._any()

            def do_POST(self) -> None:
                self._any()

            def do_PUT(self) -> None:
                self._any()

            def do_DELETE(self) -> None:
                self._any()

        class Http(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                return

        self._http = Http(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self._http.server_address[1]}"
        self.url = f"{self.origin}{self.base}"
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def add_routes(self) -> None:
        raise NotImplementedError

    def route(self, method: str, path: str, handler: Route) -> None:
        """Add a route; `{name}` in a path is one segment."""
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+?)", re.escape(path))
        self.routes.append((method, re.compile(f"^{pattern}$"), handler))

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def seen(self, method: str, ending: str) -> list[Call]:
        """The requests whose path ends so."""
        return [call for call in self.calls if call.method == method and call.path.endswith(ending)]

    # --- one request

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        headers = {name.lower(): value for name, value in handler.headers.items()}
        query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        call = Call(handler.command, parts.path, query, headers)
        trouble = self._trouble(call)
        if trouble and trouble.cut_at is not None:
            handler.rfile.read(trouble.cut_at)
            self.calls.append(call)
            handler.close_connection = True
            handler.connection.close()
            return
        call.raw = _read(handler, headers)
        if headers.get("content-type", "").startswith("multipart/form-data"):
            _parse_form(call)
        self.calls.append(call)
        if trouble and not trouble.after:
            self._fail(handler, trouble)
            return
        answer = self._answer(call)
        if trouble:
            self._fail(handler, trouble)
        else:
            _send(handler, *answer)

    def _trouble(self, call: Call) -> Trouble | None:
        for trouble in self.troubles:
            if trouble.method == call.method and re.search(trouble.path, call.path):
                self.troubles.remove(trouble)
                return trouble
        return None

    def _fail(self, handler: BaseHTTPRequestHandler, trouble: Trouble) -> None:
        if trouble.silent_s:
            time.sleep(trouble.silent_s)
        if not trouble.status:
            handler.close_connection = True
            handler.connection.close()
            return
        body = trouble.body if trouble.body is not None else {"error": {"message": "the service has trouble"}}
        _send(handler, trouble.status, body, trouble.headers)

    def _answer(self, call: Call) -> tuple[int, Any, Mapping[str, str]]:
        try:
            self.check_key(call)
            for method, pattern, handler in self.routes:
                found = pattern.match(call.path)
                if found and method == call.method:
                    return 200, handler(call, **found.groupdict()), {}
            raise Refused(404, f"Not found: {call.method} {call.path}", "not_found")
        except Refused as refused:
            return refused.status, self.problem(refused), {}

    def problem(self, refused: Refused) -> dict[str, Any]:
        """The shape of an error."""
        return {"error": {"message": refused.message, "code": refused.code, "type": "invalid_request_error"}}

    def check_key(self, call: Call) -> None:
        sent = call.headers.get(self.key_header, "")
        expected = f"Bearer {KEY}" if self.key_header == "authorization" else KEY
        other = "api-key" if self.key_header == "authorization" else "authorization"
        if other in call.headers:
            self.violate(f"the key is in {other}")
        if sent != expected:
            raise Refused(401, "Incorrect API key provided.", "invalid_api_key")

    def violate(self, text: str) -> None:
        self.violations.append(text)

    def only(self, body: Mapping[str, Any], *allowed: str, needs: tuple[str, ...] = ()) -> None:
        """Refuse fields that the documents do not name, and the lack of those that they need."""
        unknown = sorted(set(body) - set(allowed))
        missing = sorted(set(needs) - set(body))
        if unknown or missing:
            self.violate(f"unknown {unknown}, missing {missing}")
            raise Refused(422, f"unknown fields {unknown}, missing fields {missing}")


def _read(handler: BaseHTTPRequestHandler, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding") == "chunked":
        parts = []
        while size := int(handler.rfile.readline().split(b";")[0], 16):
            parts.append(handler.rfile.read(size))
            handler.rfile.readline()
        handler.rfile.readline()
        return b"".join(parts)
    return handler.rfile.read(int(headers.get("content-length") or 0))


def _parse_form(call: Call) -> None:
    message = BytesParser().parsebytes(
        b"content-type: " + call.headers["content-type"].encode() + b"\r\n\r\n" + call.raw
    )
    for part in message.get_payload():
        name = str(part.get_param("name", header="content-disposition"))
        data = part.get_payload(decode=True)
        if filename := part.get_filename():
            call.files[name] = (filename, data)
        else:
            call.form[name] = data.decode()


def _send(handler: BaseHTTPRequestHandler, status: int, body: Any, headers: Mapping[str, str]) -> None:
    extra = dict(headers)
    if isinstance(body, Redirect):
        status, data, extra = 302, b"", {**extra, "Location": body.to}
    elif isinstance(body, Bytes):
        data, extra = body.data, {**extra, **body.headers}
    else:
        data, extra = json.dumps(body).encode(), {**extra, "Content-Type": "application/json"}
    try:
        handler.send_response(status)
        for name, value in {**extra, "Content-Length": str(len(data))}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(data)
    except OSError:
        return  # the client has gone
