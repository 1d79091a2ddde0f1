"""The sign-in cookie that Streamlit sets after a sign-in: whether a request carries a valid one."""

from __future__ import annotations

import json
from pathlib import Path

from starlette.requests import HTTPConnection
from streamlit import config
from streamlit.auth_util import get_cookie_with_chunks
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from core.services.platform import sign_in
from core.services.platform.sign_in import SignIn


def current(address: str | None = None) -> SignIn:
    """The state of sign-in for this web process, by the files that Streamlit reads.

    Args:
        address: what the web process listens on; None does not check it.
    """
    return sign_in.state([Path(file) for file in config.get_option("secrets.files")], address)


def bound_address() -> str:
    """The address that the web process listens on; "" means every address."""
    return str(config.get_option("server.address") or "")


def is_signed_in(request: HTTPConnection, state: SignIn) -> bool:
    """Whether the request carries a cookie that was signed here, for this origin, after a sign-in."""
    cookies = request.cookies

    def one(name: str) -> bytes | None:
        value = cookies.get(name)
        if value is None:
            return None
        return decode_signed_value(state.cookie_secret, name, value.encode("latin-1", "replace"))

    signed = get_cookie_with_chunks(one, USER_COOKIE_NAME)
    if signed is None:
        return False
    try:
        claims = json.loads(signed)
    except ValueError:
        return False
    origin = state.origin.replace("{port}", str(config.get_option("server.port")))
    return isinstance(claims, dict) and claims.get("is_logged_in") is True and claims.get("origin") == origin
