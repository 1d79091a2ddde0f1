"""A cookie that tells browsers apart where sign-in is off: which notices were read in it. It opens nothing."""

from __future__ import annotations

import secrets
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection

COOKIE: Final = "sft_browser"
_DAYS: Final = 400  # the longest that browsers keep one


def give_id(request: HTTPConnection, headers: MutableHeaders) -> None:
    """Add the cookie to the response of a page, unless the browser has one."""
    if COOKIE not in request.cookies:
        value = f"{COOKIE}={secrets.token_hex(16)}; Max-Age={_DAYS * 86_400}; Path=/; HttpOnly; SameSite=Lax"
        headers.append("set-cookie", value)
