"""What each response carries: headers that confine the page in the browser, and cookies for TLS only behind TLS."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import lru_cache
from pathlib import Path
from typing import Final

import streamlit
from starlette.datastructures import MutableHeaders

PLAIN: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",  # for browsers without frame-ancestors
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}

_INLINE = re.compile(r"<script>([^<]*+(?:<(?!/?script>)[^<]*+)*+)</script>")


# The only scripts that a page of ours writes into itself; they are allowed by their hashes, so that no other one runs.
TO_TOP: Final = (
    "document.querySelector('[data-testid=stMain]')?.scrollTo(0, 0); "
    "document.dispatchEvent(new Event('studio-new-step'))"  # studio.js moves the focus of a keyboard there
)
STUDIO: Final = (Path(__file__).parents[1] / "studio.js").read_text(encoding="utf-8").strip()
# Show the address in the element before the script: as a new entry of the browser's history, or in place of this one.
_GO: Final = (
    "history.%s({}, '', document.currentScript.previousElementSibling.dataset.goal); "
    "dispatchEvent(new PopStateEvent('popstate'))"
)
PUSH: Final = _GO % "pushState"
REPLACE: Final = _GO % "replaceState"
# Go back to the first of the entries before this one whose addresses contain the mark: the steps of a wizard. There, or
# where the browser does not list its entries (the Navigation API), show the address in place of the entry.
FINISH: Final = """(() => {
const {goal, mark} = document.currentScript.previousElementSibling.dataset;
const entries = window.navigation?.entries() ?? [];
const here = window.navigation?.currentEntry?.index ?? 0;
let first = here;
while (entries[first - 1]?.url.includes(mark)) first -= 1;
if (first !== here) return navigation.traverseTo(entries[first].key);
if (new URL(goal, document.baseURI).href === location.href) return;
history.replaceState({}, '', goal);
dispatchEvent(new PopStateEvent('popstate'));
})()"""


@lru_cache(maxsize=1)
def content_policy() -> str:
    """The Content-Security-Policy of every response: nothing is loaded from, or sent to, another address.

    A picture that outside text smuggles into a page is not fetched, even if the escaping missed it. `unsafe-eval` is
    for Plotly's WebGL charts, inline styles are how Streamlit styles its elements.
    """
    index = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    scripts = [TO_TOP, PUSH, REPLACE, FINISH, STUDIO, *_INLINE.findall(index)]
    digests = [hashlib.sha256(text.encode()).digest() for text in scripts]
    inline = "".join(f" 'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' 'unsafe-eval'{inline}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "media-src 'self' data: blob:",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'self'",
        )
    )


def confine(headers: MutableHeaders, secure: bool) -> None:
    """Add the headers to a response, and `Secure` to its cookies if the studio is reached over TLS."""
    for name, value in PLAIN.items():
        headers.setdefault(name, value)
    headers.setdefault("Content-Security-Policy", content_policy())
    if not secure:
        return
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")  # browsers ignore it without TLS
    cookies = headers.getlist("set-cookie")
    if cookies:
        del headers["set-cookie"]
        for cookie in cookies:
            parts = [part.strip().lower() for part in cookie.split(";")]
            headers.append("set-cookie", cookie if "secure" in parts else f"{cookie}; Secure")
