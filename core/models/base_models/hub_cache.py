"""Read Hugging Face's local cache: which models, at which revisions. Nothing is downloaded.

Source: huggingface_hub's documented layout: `models--ORG--NAME/refs/main` names a commit, `snapshots/<commit>` contains
its files.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

KEY_HOSTS: Final[Mapping[str, tuple[str, ...]]] = {
    "HF_TOKEN": ("huggingface.co",)
}  # see core.services.platform.key_hosts
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_SHORTEST = 4  # characters of an abbreviated revision


def is_hub_id(text: str) -> bool:
    """Whether a text has the form of a Hub id: `org/name`."""
    return bool(_HUB_ID.fullmatch(text)) and ".." not in text and "--" not in text


def folder() -> Path:
    """Source: huggingface_hub's documented order: HF_HUB_CACHE, HF_HOME/hub, ~/.cache/huggingface/hub."""
    if cache := os.environ.get("HF_HUB_CACHE"):
        return Path(cache).expanduser()
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "huggingface"
    return Path(home).expanduser() / "hub"


def cached() -> list[str]:
    """Ids of every model in the cache, by name."""
    names = (path.name.split("--") for path in folder().glob("models--*--*") if path.is_dir())
    return sorted("/".join(parts[1:]) for parts in names if len(parts) == 3)


def revisions(hub_id: str) -> list[str]:
    """Downloaded commits of a model."""
    snapshots = _repo(hub_id) / "snapshots"
    return sorted(path.name for path in snapshots.iterdir() if path.is_dir()) if snapshots.is_dir() else []


def main(hub_id: str) -> str:
    """The commit of `main` at the last download; "" if there was none."""
    return _commit(hub_id, "main")


def snapshot(hub_id: str, revision: str) -> Path | None:
    """The files of a revision: a commit (or an unambiguous prefix of one), or the name of a branch or tag."""
    if not revision or "/" in revision or revision.startswith("."):
        return None
    path = _repo(hub_id) / "snapshots" / revision
    if path.is_dir():
        return path
    matching = [known for known in revisions(hub_id) if known.startswith(revision)]
    if len(revision) >= _SHORTEST and len(matching) == 1:
        return path.with_name(matching[0])
    named = _commit(hub_id, revision)
    return path.with_name(named) if named and path.with_name(named).is_dir() else None


def _commit(hub_id: str, name: str) -> str:
    """The commit of a branch or tag; "" if it is not here."""
    try:
        return Path((_repo(hub_id) / "refs" / name).read_text(encoding="ascii").strip()).name
    except (OSError, ValueError):
        return ""


def _repo(hub_id: str) -> Path:
    return folder() / f"models--{hub_id.replace('/', '--')}"
