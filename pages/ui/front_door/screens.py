"""The screens that need no Streamlit: sign in, closed, page not found. Self-contained, so that no static file is
needed."""

from __future__ import annotations

from difflib import get_close_matches
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Final
from urllib.parse import quote

from starlette.responses import HTMLResponse, PlainTextResponse, Response

from pages.ui.format import short
from pages.ui.navigation import SECTIONS

SIGN_IN_PATH: Final = "/sign-in"
# What is not a screen: Streamlit's own routes, and those of `pages.ui.server`.
_SERVED: Final = frozenset({"_stcore", "static", "media", "component", "app", "auth", "oauth2callback", "downloads"})
_UI: Final = Path(__file__).parents[1]
_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)
_STYLE: Final = """
body { margin: 0; min-height: 100vh; display: flex; justify-content: center; align-items: flex-start;
  background: var(--sft-page); color: var(--sft-text); font: 15px/1.5 -apple-system, 'Segoe UI', Roboto, sans-serif; }
main { margin: 14vh 16px 0; max-width: 372px; padding: 32px 24px; border: 1px solid var(--sft-border);
  border-radius: 10px; text-align: center; overflow-wrap: anywhere; }
h1 { font-size: 18px; font-weight: 600; margin: 12px 0 4px; }
p { color: var(--sft-quiet); margin: 0 0 20px; }
a { display: block; margin-top: 8px; padding: 8px 16px; border-radius: 8px; background: var(--sft-fill);
  color: var(--sft-on-fill); text-decoration: none; }
a + a { background: none; color: var(--sft-text); border: 1px solid var(--sft-border); }
"""


def sign_in_screen(providers: tuple[str, ...]) -> Response:
    """One link per provider. Nothing else of the studio is readable before the sign-in."""
    links = "".join(
        f'<a href="{SIGN_IN_PATH}?with={quote(name, safe="")}">Sign in{escape(f" with {name}" if name else "")}</a>'
        for name in providers
    )
    text = "This studio holds your team's labeled examples and models. Sign in with your team's account."
    return _screen("Sign in to SFT Studio", text, links, status=401)


def closed_screen(problem: str) -> Response:
    """Why the studio is closed, and what its operator has to do."""
    return _screen("SFT Studio is closed", problem, "", status=503)


def is_screen(path: str) -> bool:
    """Whether an address shows a screen, or belongs to what Streamlit and the studio serve besides screens."""
    first, _, rest = path.strip("/").partition("/")
    return first in _SERVED or (not rest and ("." in first or first in _titles()))


def not_found_screen(path: str) -> Response:
    """That the address has no screen, with the one whose name is closest to it."""
    titles = _titles()
    wanted = path.strip("/").partition("/")[0].lower().replace("-", "_")
    close = get_close_matches(wanted, [name for name in titles if name], n=1)
    links = "".join(f'<a href="/{name}">{escape(titles[name])}</a>' for name in (*close, ""))
    text = f"{short(path, 80)} is not a page of this studio."
    return _screen("Page not found", text, links, status=404)


@lru_cache(maxsize=1)
def _titles() -> dict[str, str]:
    """The title of each screen by its address; Home is at the root."""
    shown = [screen for screens in SECTIONS.values() for screen in screens]
    return {"" if screen.name == "home" else screen.name: screen.title for screen in shown}


def plain(text: str, status: int) -> Response:
    """A sentence for a program, or for an address that shows no screen."""
    return PlainTextResponse(text, status_code=status, headers={"Cache-Control": "no-store"})


def _screen(title: str, text: str, links: str, status: int) -> Response:
    page = (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>:root {{ color-scheme: light dark; }}{_palette()}{_STYLE}</style></head>"
        f'<body><main id="front-door">{_mark()}<h1>{escape(title)}</h1><p>{escape(text)}</p>{links}</main>'
        "</body></html>"
    )
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": _POLICY}
    return HTMLResponse(page, status_code=status, headers=headers)


@lru_cache(maxsize=1)
def _palette() -> str:
    return (_UI / "palette.generated.css").read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _mark() -> str:
    return (_UI / "mark.svg").read_text(encoding="utf-8")
