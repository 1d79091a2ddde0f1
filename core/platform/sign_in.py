"""Sign-in: whether it is required, and whether its configuration works. Once required, it stays required.

The configuration is the `[auth]` section of Streamlit's secrets files. The first time one is seen, a marker is written
to the data directory. From then on a configuration that is broken or was deleted closes the studio instead of opening
it to everyone. Only `sft signin --off` removes the marker.
"""

from __future__ import annotations

import json
import os
import threading
import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from core.errors import Conflict, StorageError
from core.platform.processes import ROOT
from core.settings import get_settings

LEAST_SECRET: Final = 16  # characters; whoever guesses the secret signs in as anyone
CALLBACK: Final = "/oauth2callback"
SWITCH_OFF: Final = "sft signin --off"


@dataclass(frozen=True, slots=True)
class SignIn:
    """The state of sign-in now.

    `problem` is a sentence with the remedy if no user can sign in although it is required, otherwise "".
    `providers` are the named ones, or `("",)` for a single one without a name. `origin` is the scheme and host under
    which the browser reaches the studio, from `redirect_uri`.
    """

    required: bool
    problem: str = ""
    providers: tuple[str, ...] = ()
    cookie_secret: str = ""
    origin: str = ""


def secrets_files() -> list[Path]:
    """The files that Streamlit reads unless `secrets.files` names others; a later one overrides an earlier one."""
    return [folder / ".streamlit" / "secrets.toml" for folder in (Path.home(), ROOT)]


def examine(files: Sequence[Path] | None = None) -> SignIn:
    """Read the configuration as it is on disk now, and remember that sign-in is required once it is.

    Raises:
        StorageError: sign-in was configured for the first time, and that could not be saved in the data directory.
    """
    files = secrets_files() if files is None else files
    section, problem = _section(files)
    if section:
        _remember(files)
        return _validated(section, files)
    if problem:  # it is unknown whether the file has an [auth] section
        return SignIn(True, f"{problem} Correct the file, or delete it.")
    if not _is_remembered():
        return SignIn(False)
    named = " or ".join(_shown(file) for file in files)
    return SignIn(
        True,
        f"Sign-in is required, but its configuration is missing. Restore the [auth] section in {named}, "
        f"or switch sign-in off on purpose: {SWITCH_OFF}.",
    )


def switch_off(files: Sequence[Path] | None = None) -> bool:
    """No longer require sign-in; returns whether it was required. A running studio follows at its next start.

    Raises:
        Conflict: the configuration is still there, so that sign-in would be required again at once.
    """
    files = secrets_files() if files is None else files
    section, problem = _section(files)
    if section or problem:
        named = ", ".join(_shown(file) for file in files if file.exists())
        raise Conflict(
            f"Sign-in is still configured in {named}.", f"Remove its [auth] section first, then run: {SWITCH_OFF}"
        )
    existed = _marker().exists()
    _marker().unlink(missing_ok=True)
    _seen.discard(_marker())
    return existed


def _section(files: Sequence[Path]) -> tuple[Mapping[str, Any], str]:
    """The `[auth]` section, {} if there is none, and why a file cannot be read, otherwise ""."""
    return _read(tuple((file, _version(file)) for file in files))


def _version(file: Path) -> tuple[int, ...]:
    """What changes when a file is written: every request asks, and only a changed file is read again."""
    try:
        found = file.stat()
    except OSError as error:
        return (error.errno or 0,)
    return (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


@lru_cache(maxsize=4)
def _read(files: tuple[tuple[Path, tuple[int, ...]], ...]) -> tuple[Mapping[str, Any], str]:
    section: object = {}
    source: Path | None = None
    for file, _ in files:
        try:
            content = tomllib.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:  # TOML errors and undecodable bytes are ValueErrors
            reason = error.strerror if isinstance(error, OSError) else str(error)
            return {}, f"{_shown(file)} cannot be read ({reason}), and it may require sign-in."
        if "auth" in content:
            section, source = content["auth"], file
    if isinstance(section, Mapping):
        return section, ""
    named = _shown(source) if source else ""
    return {}, f"No user can sign in: `auth` in {named} must be a section with settings, not {type(section).__name__}."


def _shown(file: Path) -> str:
    """A file for a sentence that strangers may read too: without the folders of this machine."""
    for start, root in (("", ROOT), ("~/", Path.home())):
        if file.is_relative_to(root):
            return f"{start}{file.relative_to(root)}"
    return file.name


def _validated(section: Mapping[str, Any], files: Sequence[Path]) -> SignIn:
    """The state that a present section gives; names the first setting that keeps everyone from signing in."""
    redirect = str(section.get("redirect_uri", ""))
    secret = str(section.get("cookie_secret", ""))
    named = {name: value for name, value in section.items() if isinstance(value, Mapping) and "client_id" in value}
    complete = [
        name
        for name, value in (named or {"": section}).items()
        if all(value.get(key) for key in ("client_id", "client_secret", "server_metadata_url"))
    ]
    address = urlsplit(redirect)
    wrong = ""
    if address.scheme not in ("http", "https") or not address.netloc or address.path[-len(CALLBACK) :] != CALLBACK:
        wrong = f"`redirect_uri` must be the studio's address followed by {CALLBACK}; got {redirect!r}"
    elif len(secret) < LEAST_SECRET:
        wrong = f"`cookie_secret` must have at least {LEAST_SECRET} characters; got {len(secret)}"
    elif not complete:
        wrong = "no provider has `client_id`, `client_secret` and `server_metadata_url`"
    if wrong:
        place = next((_shown(file) for file in reversed(files) if file.exists()), "the secrets file")
        return SignIn(True, f"No user can sign in: {wrong}. Correct [auth] in {place}.")
    return SignIn(True, "", tuple(complete), secret, f"{address.scheme}://{address.netloc}")


# A marker that was seen by this process: a running studio stays closed even if the data directory is emptied.
_seen: set[Path] = set()
_lock = threading.Lock()


def _marker() -> Path:
    return get_settings().data_dir / "sign-in-required.json"


def _is_remembered() -> bool:
    marker = _marker()
    if marker not in _seen and marker.exists():
        _seen.add(marker)
    return marker in _seen


def _remember(files: Sequence[Path]) -> None:
    if _is_remembered():
        return
    marker = _marker()
    with _lock:
        try:
            marker.parent.mkdir(parents=True, exist_ok=True)
            fresh = marker.with_suffix(f".{os.getpid()}")
            fresh.write_text(json.dumps({"since": time.time(), "files": [str(file) for file in files]}))
            fresh.chmod(0o600)
            fresh.replace(marker)
        except OSError as error:
            raise StorageError(
                f"Sign-in is configured, but {marker} could not be written: {error.strerror}.",
                "Make the data directory writable: the studio must remember that sign-in is required.",
            ) from error
        _seen.add(marker)
