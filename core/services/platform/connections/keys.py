"""Keys of endpoints: named by an environment variable, or stored in a file that only this user can read."""

from __future__ import annotations

import os
import secrets
from functools import partial
from pathlib import Path

from core.errors import ProviderKeyMissing, SettingsError
from core.ids import new_id
from core.services.platform import key_hosts
from core.settings import get_settings

_MAX_KEY = 4_096


def check(key: str | None, key_env: str, url: str) -> None:
    """Check a key, or the name of the variable that holds it, for the address that it goes to.

    Raises:
        SettingsError: of the field `key`.
    """
    wrong = partial(SettingsError, field="key")
    if key and key_env:
        raise wrong("A key and the name of a variable were entered; only one is used.", "Remove one of them.")
    if key and (len(key) > _MAX_KEY or not key.isascii() or not key.isprintable() or key != key.strip()):
        raise wrong(  # never the key itself
            "The key contains spaces, line breaks or other invalid characters.", "Copy it again."
        )
    if key_env:
        key_hosts.check(key_env, url)


def from_environment(name: str, url: str) -> str:
    """The key that a variable holds, for one address.

    Raises:
        SettingsError: the variable is for other hosts. ProviderKeyMissing: it is not set.
    """
    key_hosts.check(name, url)
    key = os.environ.get(name, "")
    if not key:
        raise ProviderKeyMissing(
            f"The environment variable {name} is not set for this process.",
            f"Set {name} and restart the studio, or store the key in the connection.",
            field="key",
        )
    return key


def _folder() -> Path:
    folder = get_settings().data_dir / "keys"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    return folder


def write(key: str) -> str:
    """Store a key under a new name; return the name."""
    name = f"{new_id('key')}{secrets.token_hex(4)}"
    handle = os.open(_folder() / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as stream:
        stream.write(key)
        stream.flush()
        os.fsync(stream.fileno())
    return name


def read(name: str) -> str:
    """A stored key; "" for no name. Raises ProviderKeyMissing if the file was deleted."""
    if not name:
        return ""
    try:
        return (_folder() / Path(name).name).read_text(encoding="ascii")
    except OSError:
        message = "The stored key of this connection was deleted."
        raise ProviderKeyMissing(message, "Enter the key again.", field="key") from None


def remove(name: str) -> None:
    """Delete a stored key, if it exists."""
    if name:
        (_folder() / Path(name).name).unlink(missing_ok=True)
