"""Download links whose file is streamed: nothing is read before the click, and never more than a block at a time.

`st.download_button` holds the complete file in the memory of the web process. Here a screen offers a function that
yields blocks, and the web process (`pages.ui.server`) streams them from an address that cannot be guessed. Only a
screen that ran makes an offer, which means behind the sign-in.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from typing import Final
from urllib.parse import quote

import streamlit as st

from pages.ui.escaping import md

PATH: Final = "downloads"
OFFERED_FOR_S: Final = 3_600.0  # after the screen was last drawn
MAX_OFFERS: Final = 10_000

Blocks = Callable[[], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class Offer:
    """A file that a screen offers until `expires_at` (Unix seconds)."""

    content: Blocks
    file_name: str
    mime: str
    expires_at: float


_offers: OrderedDict[str, Offer] = OrderedDict()
_lock = threading.Lock()
_streams = False


def streams(on: bool) -> None:
    """Whether this process serves the links; `pages.ui.server` turns it on."""
    global _streams
    _streams = on


def is_served() -> bool:
    """Whether the studio's own web process runs this code."""
    return _streams


def find(token: str) -> Offer | None:
    """The offer behind a token, or None when it expired or never existed."""
    with _lock:
        offer = _offers.get(token)
    return offer if offer is not None and offer.expires_at > time.time() else None


def disposition(file_name: str) -> str:
    """The Content-Disposition header of a download, with a name in any script. Source: RFC 6266."""
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%/' else "_" for c in file_name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file_name.encode('utf-8', 'replace'), safe='')}"


def download(
    label: str, content: Blocks, *, file_name: str, mime: str, key: str, primary: bool = False, help: str | None = None
) -> None:
    """A link that downloads a file.

    Args:
        content: yields the file's bytes; called at the click, in a thread of the server.
        key: of the element, unique on the screen.
        help: tooltip.
    """
    if not _streams:
        st.download_button(
            md(label),
            data=lambda: b"".join(content()),
            file_name=file_name,
            mime=mime,
            icon=":material/download:",
            type="primary" if primary else "secondary",
            on_click="ignore",
            key=key,
            help=help,
        )
        return
    token = _offer(f"_download_{key}", content, file_name, mime)
    kind = "download-link download-primary" if primary else "download-link"
    title = f' title="{escape(help, quote=True)}"' if help else ""
    with st.container(key=key, width="stretch" if primary else "content"):
        st.html(
            f'<a class="{kind}" href="{PATH}/{token}" download="{escape(file_name, quote=True)}"{title}>'
            f"<span>{escape(label)}</span></a>"
        )


def _offer(state_key: str, content: Blocks, file_name: str, mime: str) -> str:
    """Store the offer; a screen that is drawn again keeps its token, so an open page's link stays valid."""
    token: str = st.session_state.setdefault(state_key, secrets.token_urlsafe(24))
    now = time.time()
    with _lock:
        _offers.pop(token, None)
        _offers[token] = Offer(content, file_name, mime, now + OFFERED_FOR_S)
        while len(_offers) > MAX_OFFERS or next(iter(_offers.values())).expires_at < now:
            _offers.popitem(last=False)
    return token
