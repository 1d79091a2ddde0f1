"""`sft signin`: whether the web app requires sign-in, and switching it off on purpose."""

from __future__ import annotations

from typing import Annotated

import typer


def signin(
    off: Annotated[bool, typer.Option("--off", help="No longer require sign-in. Remove the [auth] section first.")] = (
        False
    ),
) -> None:
    """Show whether the web app requires sign-in; exit code 1 if no user can sign in."""
    from core.services.platform import sign_in
    from core.settings import get_settings

    if off:
        was_on = sign_in.switch_off()
        print("Sign-in is off. Restart the studio." if was_on else "Sign-in was off already.")
        return
    state = sign_in.state(address=get_settings().host)
    if state.problem:
        print(f"The web app is unavailable. {state.problem}")
    elif state.required:
        print(f"Sign-in is required, at {state.origin}.")
    else:
        print("Sign-in is off: whoever reaches the web app on this machine gets in.")
    raise typer.Exit(int(bool(state.problem)))
