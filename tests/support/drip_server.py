"""A server that sends its answer byte by byte, so that no single read ever times out."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

PAUSE_S = 0.05


@contextlib.contextmanager
def drip_server(at_once: bytes, slowly: bytes) -> Iterator[int]:
    """A server on loopback; yields its port.

    Args:
        at_once: the first part of every answer.
        slowly: sent after it again and again, a byte every PAUSE_S, until the client leaves or the server is closed.
    """
    closed = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.recv(65_536)
            connection.sendall(at_once)
            while not closed.is_set():
                for byte in slowly:
                    if closed.wait(PAUSE_S):
                        return
                    connection.sendall(bytes([byte]))

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        closed.set()
        listener.close()
