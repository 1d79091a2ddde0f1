"""Base models that users add: a directory on this machine, a GGUF file, or a model of the Hub.

A directory is used where it is. A GGUF file is restored once into the data directory by a background task; the file is
not needed afterwards.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from core.errors import Conflict, DataError, NotFound, SettingsError
from core.models import base_models
from core.models.base_models import BaseModelRef, added, gguf_file, hub_cache
from core.models.base_models.restored import bases_directory, restored_from
from core.platform.db.uow import UnitOfWork
from core.platform.tasks import store
from core.platform.tasks.announce import announce
from core.platform.tasks.records import TaskRecord
from core.services.data.sources import importing
from core.services.training import downloads, models
from core.services.training.jobs import reader as job_reader
from core.text import plural, size

KIND: Final = "restore"
MAX_NAME: Final = 80
_NAME: Final = re.compile(r"[A-Za-z0-9][\w.-]*")
_HINT: Final = "Enter the path of a model's directory or of a GGUF file, or a Hub id such as Qwen/Qwen3-0.6B."


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a user entered, found and checked.

    Args:
        kind: a directory of safetensors, a GGUF file, or a model of the Hub (which is checked once it is downloaded).
        title: its name.
        facts: what was found, in short sentences for the screen.
        id: the base model's id, once it is added.
        path: of the directory or file; None for the Hub.
    """

    kind: Literal["directory", "gguf", "hub"]
    title: str
    facts: str
    id: str
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class Added:
    """The id of a base model, and the task that gets it ready; None where it is ready now."""

    id: str
    title: str
    task: TaskRecord | None = None


def examine(text: str, name: str = "", *, folder: Path | None = None) -> Candidate:
    """Find what a text names and check it to the last header; nothing is changed.

    Args:
        text: a path, or a Hub id.
        name: of the base that a GGUF file becomes; "" for the file's name.
        folder: of the command line: relative paths begin here, and every path can be used. None for a user of the
            screens, whose paths must be complete and under SFT_IMPORT_ROOTS.

    Raises:
        SettingsError: nothing has this name, or it may not be used. DataError: it cannot be used; says why.
    """
    text = text.strip().removeprefix(base_models.LOCAL)
    if not text or "\0" in text:
        raise SettingsError("Enter a path or a Hub id.", _HINT, field="path")
    path = _path(text, folder)
    if path is None:
        return _hub(text)
    if path.is_dir():
        return _directory(path)
    if path.is_file():
        return _gguf(path, name)
    known = hub_cache.is_hub_id(text.partition("@")[0]) or base_models.canonical(text) != text
    if text.startswith(("/", "~", ".")) or not known:
        raise SettingsError(f"There is no file or directory {str(path)[:200]}.", _HINT, field="path")
    return _hub(text)


def add(candidate: Candidate) -> Added:
    """Add what was found: a directory at once, the others by a background task.

    Raises:
        Conflict: another base model has this name.
    """
    if candidate.kind == "directory":
        assert candidate.path is not None
        added.add(candidate.path)
        return Added(candidate.id, candidate.title)
    if candidate.kind == "hub":
        return Added(candidate.id, candidate.title, downloads.start(candidate.id))
    return _restore(candidate)


def list_own() -> list[BaseModelRef]:
    """The base models that users added here, also those that can no longer be used."""
    return [base for base in base_models.list_models() if is_own(base)]


def is_own(base: BaseModelRef) -> bool:
    """Whether a base was added here, so that it can be removed here."""
    return base.id.startswith(base_models.LOCAL) and (
        base.path in added.directories() or (base.path is not None and base.path.parent == bases_directory())
    )


def keeps_files(base: BaseModelRef) -> bool:
    """Whether removing a base leaves its files where they are."""
    return base.path is None or base.path.parent != bases_directory()


def restoring() -> list[TaskRecord]:
    """Restores that are not finished or failed last, newest first; one per base."""
    found: dict[str, TaskRecord] = {}
    for task in store.find(kind=KIND, limit=50):
        found.setdefault(str(task.payload["name"]), task)
    return [task for task in found.values() if task.state not in ("succeeded", "cancelled")]


def remove(base_id: str) -> BaseModelRef:
    """Remove an added base from the lists: of a directory the files stay, restored ones are deleted.

    Raises:
        NotFound: no such base was added here. Conflict: a job or a model needs its files; names them.
    """
    base = next((one for one in list_own() if one.id == base_id), None)
    if base is None or base.path is None:
        raise NotFound(
            f"{base_models.title_of(base_id)} was not added here.",
            "Models of the Hub are in its cache: hf cache rm removes them.",
        )
    _check_unused(base)
    if keeps_files(base):
        added.remove(base.path)
    else:
        shutil.rmtree(base.path)
    return base


def _check_unused(base: BaseModelRef) -> None:
    jobs = [job.name for job in job_reader.list_jobs() if job.base_model == base.id and not job.is_terminal]
    if jobs:
        raise Conflict(f"“{jobs[0]}” is training on {base.title}.", "Wait until it ends, or cancel it.")
    tuned = [model.name for model in models.list_models() if model.base_model == base.id]
    if tuned:
        others = f" and {plural(len(tuned) - 1, 'other model')}" if len(tuned) > 1 else ""
        raise Conflict(f"“{tuned[0]}”{others} cannot answer without {base.title}.", "Archive it first.")


def _path(text: str, folder: Path | None) -> Path | None:
    """The resolved path that a text means; None if it can only be a Hub id."""
    path = Path(text).expanduser()
    if folder is not None:
        return Path(os.path.realpath(folder / path))
    if not path.is_absolute():
        if hub_cache.is_hub_id(text.partition("@")[0]) or base_models.canonical(text) != text:
            return None
        raise SettingsError(f"{text[:200]} is not a complete path.", "Begin with / or ~.", field="path")
    path = Path(os.path.realpath(path))
    if not any(path.is_relative_to(root) for root in allowed_roots()):
        # the same message whether it exists or not: nothing outside can be probed for
        allowed = ", ".join(map(str, allowed_roots()))
        remedy = f"Choose a path under {allowed}, or run" if allowed else "Set SFT_IMPORT_ROOTS to its folder, or run"
        raise SettingsError(
            f"{text[:200]} is outside the folders that the screens may read.",
            f"{remedy} `sft base add PATH` in a terminal.",
            field="path",
        )
    return path


def allowed_roots() -> tuple[Path, ...]:
    """The folders whose models a user of the screens can add: SFT_IMPORT_ROOTS."""
    return importing.available().roots


def _directory(path: Path) -> Candidate:
    files = sorted(path.glob("*.gguf"))
    if files and not (path / "config.json").is_file():
        raise DataError(
            f"{path.name} contains GGUF files.", f"Enter the path of one of them: {files[0]}.", code="base_model"
        )
    base = base_models.resolve(f"{base_models.LOCAL}{path}")
    assert base.dims is not None
    facts = f"{base.size} parameters, {base.dims.architecture}. It is used where it is, so it has to stay there."
    return Candidate("directory", base.title, facts, base.id, path)


def _gguf(path: Path, name: str) -> Candidate:
    file = gguf_file.read(path)
    name = name.strip() or re.sub(r"[^\w.-]+", "-", path.stem).strip("-.")[:MAX_NAME] or "model"
    if not _NAME.fullmatch(name) or len(name) > MAX_NAME:
        raise SettingsError(
            f"The name {name[:100]!r} cannot be used.",
            f"Use at most {MAX_NAME} letters, digits, dots, hyphens and underscores.",
            field="name",
        )
    directory = bases_directory() / name
    if name in base_models.catalog_names():
        raise Conflict(f"{name} belongs to a model of the catalog.", "Choose another name.", field="name")
    known = restored_from(directory)
    if directory.exists() and (known is None or (known.file, known.bytes) != (path.name, path.stat().st_size)):
        raise Conflict(f"There is another base model named {name}.", "Choose another name.", field="name")
    width = gguf_file.bits(file.quantization)
    precision = f"{width}-bit weights ({file.quantization})" if width else f"{file.quantization} weights"
    facts = (
        f"{file.params / 1e6:,.0f} million {precision}, architecture {file.architecture}. They are restored to 16 bits "
        f"once, into {size(2 * file.params)} of the data directory."
    )
    return Candidate("gguf", name, facts, f"{base_models.LOCAL}{directory}", path)


def _hub(text: str) -> Candidate:
    model_id = base_models.canonical(text)
    facts = "Downloaded from the Hub, then checked; needs a network."
    return Candidate("hub", base_models.title_of(model_id), facts, model_id)


def _restore(candidate: Candidate) -> Added:
    assert candidate.path is not None
    with UnitOfWork() as uow:
        task = store.create_or_join(
            uow,
            kind=KIND,
            title=f"Restore {candidate.title}",
            payload={"path": str(candidate.path), "name": candidate.title, "base_id": candidate.id},
            key=f"{KIND}:{candidate.title}",
        )
        uow.commit()
    announce(task.id)
    return Added(candidate.id, candidate.title, task)
