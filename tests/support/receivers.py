"""Real receivers of notices: a mail server, a webhook, and one that accepts connections and never answers."""

from __future__ import annotations

import email
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword


@dataclass
class Mailbox:
    """What a mail server has received. `password`: the only one that it accepts; "" accepts mail without a login."""

    port: int = 0
    password: str = ""
    mails: list[Message] = field(default_factory=list)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.mails.append(email.message_from_bytes(envelope.content, policy=default))
        return "250 OK"


@contextmanager
def mail_server(password: str = "") -> Iterator[Mailbox]:
    """A mail server on this machine, without encryption."""
    box = Mailbox(password=password)

    def login(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        right = isinstance(data, LoginPassword) and data.password == password.encode()
        return AuthResult(success=right, handled=right)

    options = {"authenticator": login, "auth_required": True, "auth_require_tls": False} if password else {}
    controller = Controller(box, hostname="127.0.0.1", port=_free_port(), **options)
    controller.start()
    box.port = controller.port
    try:
        yield box
    finally:
        controller.stop()


@dataclass
class Webhook:
    """What a webhook has received; `status` is what it answers, `lines` are the requests' first lines."""

    port: int = 0
    status: int = 200
    bodies: list[dict[str, Any]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    hold: threading.Event = field(default_factory=threading.Event)  # set: answer at once; clear: after it is set

    @property
    def titles(self) -> list[str]:
        return [body["title"] for body in self.bodies]


@contextmanager
def webhook() -> Iterator[Webhook]:
    """A server that accepts JSON by POST."""
    received = Webhook()
    received.hold.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            received.lines.append(self.requestline)
            received.bodies.append(body)
            received.hold.wait(60)
            self.send_response(received.status)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    received.port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield received
    finally:
        received.hold.set()
        server.shutdown()
        server.server_close()


@dataclass
class Dead:
    """How many connections a receiver that never answers has accepted."""

    port: int = 0
    connections: list[socket.socket] = field(default_factory=list)


@contextmanager
def dead_receiver() -> Iterator[Dead]:
    """A server that accepts connections and never answers."""
    listener, dead = socket.create_server(("127.0.0.1", 0)), Dead()
    dead.port = listener.getsockname()[1]

    def accept() -> None:
        while True:
            try:
                dead.connections.append(listener.accept()[0])
            except OSError:
                return

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield dead
    finally:
        listener.close()
        for connection in dead.connections:
            connection.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
