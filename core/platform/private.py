"""What the studio writes is for its own user: other users of the machine can read neither uploads nor the database."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from core.platform.processes import ROOT
from core.settings import get_settings

UMASK: Final = 0o077
FOLDER_MODE: Final = 0o700


def keep_private() -> str:
    """Close to other users what this process and its children write from now on, and the data directory.

    Returns:
        A note if the data directory was open to others; "" if not.

    Raises:
        SettingsError: SFT_DATA_DIR cannot be used.
    """
    os.umask(UMASK)
    folder = get_settings().data_dir
    try:
        status = folder.stat()
    except OSError:  # it is created later, under the umask
        return ""
    if not status.st_mode & UMASK:
        return ""
    if status.st_uid != os.geteuid() or status.st_mode & stat.S_ISVTX or _is_shared(folder):
        return (
            f"The data directory {folder} is open to other users of this machine. Choose one for the studio alone: "
            f"SFT_DATA_DIR={folder / 'sft-studio'}."
        )
    try:
        folder.chmod(FOLDER_MODE)
    except OSError as error:
        return f"The data directory {folder} is open to other users of this machine ({error.strerror}). Correct that."
    return (
        f"The data directory {folder} was open to other users of this machine (mode {stat.S_IMODE(status.st_mode):o}); "
        "now only this user can enter it."
    )


def _is_shared(folder: Path) -> bool:
    """Whether closing a folder would lock others out of more than the studio: a home, the code, or a folder above."""
    return any(place == folder or folder in place.parents for place in (Path.home(), ROOT))
