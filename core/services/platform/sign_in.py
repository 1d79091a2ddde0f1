"""Sign-in of the web app: its state at this moment, and switching it off on purpose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from core.errors import StudioError
from core.platform import sign_in
from core.platform.sign_in import SignIn
from core.platform.supervisor import is_loopback
from core.settings import get_settings

__all__ = ["SignIn", "allowed_names", "state", "switch_off"]

ANYWHERE = ("0.0.0.0", "::", "")  # noqa: S104  recognized, not bound to


def state(files: Sequence[Path] | None = None, address: str | None = None) -> SignIn:
    """Whether sign-in is required now; its `problem` is set if the web app has to stay closed.

    Args:
        files: Streamlit's secrets files; None for its usual two.
        address: what the web app is bound to; None does not check it.
    """
    try:
        found = sign_in.examine(files)
    except StudioError as error:  # it could not be saved that sign-in is required
        return SignIn(True, str(error))
    if not found.required and address is not None and not is_loopback(address):
        return replace(
            found,
            required=True,
            problem=f"The web app is bound to {address or 'every address'}, and would let anyone on the network in, "
            "because sign-in is not configured. Add an [auth] section to .streamlit/secrets.toml, or unset SFT_HOST.",
        )
    return found


def switch_off() -> bool:
    """No longer require sign-in; returns whether it was required.

    Raises:
        Conflict: the configuration is still there; names the file.
    """
    return sign_in.switch_off()


def allowed_names(address: str | None = None) -> frozenset[str]:
    """The host names, in lower case, under which the web app may be opened; any other name may be an attacker's.

    Args:
        address: what the web app is bound to; None for SFT_HOST.
    """
    settings = get_settings()
    bound = settings.host if address is None else address
    named = {name.strip().lower() for name in settings.allowed_hosts.split(",") if name.strip()}
    return frozenset({"localhost", "127.0.0.1", "::1", *named, *({bound.lower()} - set(ANYWHERE))})
