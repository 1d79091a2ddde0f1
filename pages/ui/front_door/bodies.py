"""Limits of what a browser may send: no body but uploads, and so many bytes of uploads per session and in total."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Message, Receive
from streamlit import runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from core.settings import MAX_UPLOAD_BYTES
from core.text import size

OTHER_BODY_BYTES: Final = 65_536  # only uploads have a body that is read
SESSION_BYTES: Final = 3 * MAX_UPLOAD_BYTES  # a browser session holds its uploads in memory until they are stored
ALL_BYTES: Final = 16 * MAX_UPLOAD_BYTES
_UPLOAD: Final = re.compile(r"/_stcore/upload_file/(?P<session>[^/]+)/[^/]+")


class BodyTooLarge(Exception):
    """A request's body is larger than what may be sent; the text is for the user."""


class Bodies:
    """Counts the bodies on their way, beside the uploads that Streamlit holds already."""

    def __init__(self, held: Callable[[], Counter[str]] | None = None) -> None:
        self._held = held or held_uploads
        self._arriving: Counter[str] = Counter()

    def check_length(self, path: str, headers: Headers) -> None:
        """Refuse a body by its declared length, before any of it is read.

        Raises:
            BodyTooLarge: it is above a limit.
        """
        declared = headers.get("content-length", "")
        if declared.isascii() and declared.isdigit():
            self._check(path, int(declared))

    def limited(self, path: str, receive: Receive) -> tuple[Receive, Callable[[], None]]:
        """The same stream with a limit, and a function to call once the request has ended.

        The stream raises BodyTooLarge as soon as more arrives than may; a chunked body declares no length.
        """
        session = _session(path)
        arrived = 0

        async def receive_limited() -> Message:
            nonlocal arrived
            message = await receive()
            count = len(message.get("body", b""))
            self._check(path, count if session is not None else arrived + count)
            arrived += count
            if session is not None:
                self._arriving[session] += count
            return message

        def done() -> None:
            if session is not None:
                self._arriving[session] -= arrived
                if self._arriving[session] <= 0:
                    del self._arriving[session]

        return receive_limited, done

    def _check(self, path: str, more: int) -> None:
        session = _session(path)
        if session is None:
            if more > OTHER_BODY_BYTES:
                raise BodyTooLarge(f"The request is too large; the limit is {size(OTHER_BODY_BYTES)}.")
            return
        held = self._held()
        if held[session] + self._arriving[session] + more > SESSION_BYTES:
            raise BodyTooLarge(
                f"Too many files were sent at once; the limit is {size(SESSION_BYTES)}. Reload the page and send fewer."
            )
        if held.total() + self._arriving.total() + more > ALL_BYTES:
            raise BodyTooLarge("Too many files are being uploaded at this moment. Try again in a minute.")


def _session(path: str) -> str | None:
    match = _UPLOAD.fullmatch(path)
    return match["session"] if match else None


def held_uploads() -> Counter[str]:
    """Bytes of the uploads that Streamlit holds in memory now, by session."""
    if not runtime.exists():
        return Counter()
    manager = runtime.get_instance().uploaded_file_mgr
    if not isinstance(manager, MemoryUploadedFileManager):
        return Counter()
    sessions = list(manager.file_storage.items())
    return Counter({name: sum(len(file.data) for file in list(files.values())) for name, files in sessions})
