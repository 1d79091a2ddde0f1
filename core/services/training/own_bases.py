"""Base models that users add: a directory on this machine, a GGUF file, or a model of the Hub.

A directory is used where it is. A GGUF file is restored once into the data directory by a background task; the file is
not needed afterwards.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal
from urllib.parse import unquote

from core.errors import Conflict, DataError, NotFound, SettingsError
from core.models import base_models
from core.models.base_models import BaseModelRef, added, hub_cache
from core.models.base_models.catalog import BASE_MODELS
from core.models.base_models.gguf import file as gguf_file
from core.models.base_models.restored import REMOVED, bases_directory, restored_from
from core.platform.db.uow import UnitOfWork
from core.platform.tasks import store
from core.platform.tasks.announce import announce
from core.platform.tasks.kinds import kind_of
from core.platform.tasks.records import TaskRecord
from core.services.data.sources import importing
from core.services.training import downloads, models
from core.services.training.jobs import reader as job_reader
from core.serving.agents import moving
from core.serving.model_formats import places
from core.text import plural, size

KIND: Final = "restore"
MAX_NAME: Final = 80
SHOWN_S: Final = 86_400.0  # how long a failure is shown where base models are added
_NAME: Final = re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII)
_HINT: Final = "Enter the path of a model's directory or of a GGUF file, or a Hub id such as Qwen/Qwen3-0.6B."
_PAGE: Final = re.compile(r"(https?://)?(huggingface\.co|hf\.co)/", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a user entered, found and checked.

    Args:
        kind: a directory of safetensors, a GGUF file, or a model of the Hub (which is checked once it is downloaded).
        title: its name.
        facts: what was found, in short sentences for the screen.
        id: the base model's id, once it is added.
        path: of the directory or file; None for the Hub.
        here: it is a base model already, so that there is nothing to do.
    """

    kind: Literal["directory", "gguf", "hub"]
    title: str
    facts: str
    id: str
    path: Path | None = None
    here: bool = False

    @property
    def queue(self) -> str:
        """The queue of the task that gets it ready; "" for a directory, which is ready now."""
        kinds = {"gguf": KIND, "hub": downloads.KIND}
        return kind_of(kinds[self.kind]).queue if self.kind in kinds else ""


@dataclass(frozen=True, slots=True)
class Added:
    """The id of a base model, and the task that gets it ready; None where it is ready now."""

    id: str
    title: str
    task: TaskRecord | None = None


def examine(text: str, name: str = "", *, folder: Path | None = None) -> Candidate:
    """Find what a text names and check it to the last header; nothing is changed.

    Args:
        text: a path, also as a desktop copies it ("/a/b", file:///a/b), or a Hub id, or the address of its page.
        name: of the base that a GGUF file becomes; "" for the file's name, with a number where it is taken.
        folder: of the command line: relative paths begin here, and every path can be used. None for a user of the
            screens, whose paths must be complete and under SFT_IMPORT_ROOTS.

    Raises:
        SettingsError: nothing has this name, or it may not be used. DataError: it cannot be used; says why.
    """
    text = _plain(text)
    if not text or "\0" in text:
        raise SettingsError("Enter a path or a Hub id.", _HINT, field="path")
    path = _path(text, folder)
    if path is None:
        return _hub(text)
    kind = _kind(path)
    if kind == "directory":
        return _directory(path, roots=allowed_roots() if folder is None else ())
    if kind == "file":
        return _gguf(path, name)
    known = hub_cache.is_hub_id(text.partition("@")[0]) or base_models.canonical(text) != text
    if text.startswith(("/", "~", ".")) or not known:
        raise SettingsError(f"There is no file or directory {str(path)[:200]}.", _HINT, field="path")
    return _hub(text)


def add(candidate: Candidate) -> Added:
    """Add what was found: a directory at once, the others by a background task.

    Raises:
        Conflict: another file is being restored under this name.
    """
    if candidate.here:
        return Added(candidate.id, candidate.title)
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


def unfinished(*, catalog: bool = True) -> list[TaskRecord]:
    """What gets a base model ready now, or failed last and not long ago: one task per base, newest first.

    Of the models of the catalog only what runs: how their last download ended is said where they are offered.

    Args:
        catalog: include the models of the catalog.
    """
    found: dict[str, TaskRecord] = {}
    for task in (*store.find(kind=KIND, limit=50), *store.find(kind=downloads.KIND, limit=50)):
        found.setdefault(str(task.payload.get("model_id") or task.payload["name"]), task)
    shown = (task for task in found.values() if _is_shown(task) and (catalog or not _is_listed(task)))
    return sorted(shown, key=lambda task: task.created_at, reverse=True)


def _is_shown(task: TaskRecord) -> bool:
    failed = task.state == "failed" and time.time() - (task.finished_at or 0.0) < SHOWN_S
    return task.is_active or (failed and not _is_listed(task))


def _is_listed(task: TaskRecord) -> bool:
    return task.payload.get("hub_id") in BASE_MODELS


def remove(base_id: str) -> BaseModelRef:
    """Remove an added base from the lists: of a directory the files stay; restored ones, and the GGUF file that was
    made of it for llama.cpp, are deleted.

    Args:
        base_id: its id or its path; or a model of the catalog that was restored here.

    Raises:
        NotFound: no such base was added here. Conflict: a job or a model needs its files; names them.
    """
    wanted = {
        base_models.canonical(base_id),
        f"{base_models.LOCAL}{os.path.realpath(base_id.removeprefix(base_models.LOCAL))}",
    }
    found = (one for one in base_models.list_models() if one.id in wanted and (is_own(one) or not keeps_files(one)))
    base = next(found, None)
    if base is None or base.path is None:
        raise NotFound(
            f"{base_models.title_of(base_id)} was not added here.",
            "`sft base list` shows all base models; those of the Hub are in its cache, and hf cache rm removes them.",
        )
    _check_unused(base)
    added.remove(base.path)
    places.remove_base_gguf(base.id)
    if not keeps_files(base) and base.path.exists():
        doomed = base.path.with_name(f".{base.path.name}{REMOVED}")  # a half deleted one is never listed
        shutil.rmtree(doomed, ignore_errors=True)
        base.path.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)
    return base


def gguf_bytes(base: BaseModelRef) -> int:
    """The size of the GGUF file that was made of a base for llama.cpp, and is deleted with it; 0 if there is none."""
    return places.base_gguf_bytes(base.id)


def archived_on(base: BaseModelRef) -> int:
    """How many archived models cannot answer without a base; they do not keep it from being removed."""
    return sum(model.base_model == base.id for model in models.list_models(include_archived=True)) - len(_tuned(base))


def _tuned(base: BaseModelRef) -> list[str]:
    return [model.name for model in models.list_models() if model.base_model == base.id]


def _check_unused(base: BaseModelRef) -> None:
    jobs = [job.name for job in job_reader.list_jobs() if job.base_model == base.id and not job.is_terminal]
    if jobs:
        raise Conflict(f"“{jobs[0]}” is training on {base.title}.", "Wait until it ends, or cancel it.")
    if tuned := _tuned(base):
        others = f" and {plural(len(tuned) - 1, 'other model')}" if len(tuned) > 1 else ""
        raise Conflict(f"“{tuned[0]}”{others} cannot answer without {base.title}.", "Archive it first.")
    with UnitOfWork(write=False) as uow:
        moving.check_unused(uow, {base.id: base.title})


def _plain(text: str) -> str:
    """What a user means: without quotes, and without the rest of an address around a path or a Hub id."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1].strip()
    if text.startswith("file://"):
        text = unquote(text.removeprefix("file://"))
    if page := _PAGE.match(text):
        text = "/".join(text[page.end() :].partition("?")[0].split("/")[:2])
    return text.removeprefix(base_models.LOCAL)


def _path(text: str, folder: Path | None) -> Path | None:
    """The resolved path that a text means; None if it can only be a Hub id."""
    path = Path(os.path.expanduser(text))
    if folder is not None:
        return Path(os.path.realpath(folder / path))
    if not path.is_absolute():
        if hub_cache.is_hub_id(text.partition("@")[0]) or base_models.canonical(text) != text:
            return None
        raise SettingsError(
            f"{text[:200]} is not a complete path, and not a Hub id.",
            "Begin a path with / or ~; a Hub id has the form Qwen/Qwen3-0.6B.",
            field="path",
        )
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


def _kind(path: Path) -> Literal["directory", "file", ""]:
    """What a path leads to; "" where there is nothing that may be read."""
    try:
        return "directory" if path.is_dir() else "file" if path.is_file() else ""
    except OSError:  # a name that is too long, a folder of another user
        return ""


def _directory(path: Path, roots: tuple[Path, ...]) -> Candidate:
    """A directory of safetensors.

    Args:
        roots: no file of it may be a link out of these; none for the command line.
    """
    files = sorted(path.glob("*.gguf"))
    if files and not (path / "config.json").is_file():
        raise DataError(
            f"{path.name} contains GGUF files.", f"Enter the path of one of them: {files[0]}.", code="base_model"
        )
    base = base_models.resolve(f"{base_models.LOCAL}{path}")
    targets = {file.name: Path(os.path.realpath(file)) for file in path.iterdir()} if roots else {}
    if outside := [name for name, to in targets.items() if not any(to.is_relative_to(root) for root in roots)]:
        raise SettingsError(
            f"{path.name}/{outside[0]} is a link to a place outside the folders that the screens may read.",
            "Copy the file, or run `sft base add PATH` in a terminal.",
            field="path",
        )
    assert base.dims is not None
    here = path in added.directories() or path.parent in (bases_directory(), base_models.named_directory())
    more = "It is a base model here already." if here else "It is used where it is, so it has to stay there."
    facts = f"{base.size} parameters, {base.dims.architecture}. {more}"
    return Candidate("directory", base.title, facts, base.id, path, here)


def _gguf(path: Path, name: str) -> Candidate:
    if path.name == "config.json" or path.suffix == ".safetensors":
        raise SettingsError(
            f"{path.name} is one file of a model.", f"Enter the path of its directory: {path.parent}.", field="path"
        )
    state = path.stat()
    architecture, quantization, params = _header(path, state.st_size, state.st_mtime_ns)
    name = name.strip() or _free_name(path)
    if not _NAME.fullmatch(name) or len(name) > MAX_NAME:
        raise SettingsError(
            f"The name {name[:100]!r} cannot be used.",
            f"Use at most {MAX_NAME} letters without accents, digits, dots, hyphens and underscores; begin with a "
            "letter or a digit.",
            field="name",
        )
    if name in base_models.catalog_names():
        raise Conflict(f"{name} belongs to a model of the catalog.", "Choose another name.", field="name")
    if _is_taken(name, path):
        raise Conflict(f"There is another base model named {name}.", "Choose another name.", field="name")
    width = gguf_file.bits(quantization)
    precision = f"{width}-bit weights ({quantization})" if width else f"{quantization} weights"
    facts = (
        f"{params / 1e6:,.0f} million {precision}, architecture {architecture}. They are restored to 16 bits once, "
        f"into {size(2 * params)} of the data directory."
    )
    return Candidate("gguf", name, facts, f"{base_models.LOCAL}{bases_directory() / name}", path)


@lru_cache(maxsize=8)  # a screen asks at every rerun, and reading a vocabulary takes half a second
def _header(path: Path, _bytes: int, _changed_ns: int) -> tuple[str, str, int]:
    """The architecture, the quantization and the number of weights of a GGUF file in this state."""
    file = gguf_file.read(path)
    return file.architecture, file.quantization, file.params


def _free_name(path: Path) -> str:
    """A name for the base that a file becomes: the file's, as far as a directory can have it."""
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", path.stem).lstrip("-._").rstrip("-.")[: MAX_NAME - 4] or "model"
    names = [plain, *(f"{plain}-{number}" for number in range(2, 1_000))]
    return next((name for name in names if not _is_taken(name, path)), plain)


def _is_taken(name: str, path: Path) -> bool:
    """Whether another file has this name, restored or being restored; the same file may be restored again."""
    directory = bases_directory() / name
    known = restored_from(directory)
    if directory.exists() and (known is None or (known.file, known.bytes) != (path.name, path.stat().st_size)):
        return True
    return any(task.payload["name"] == name and task.payload["path"] != str(path) for task in _restoring())


def _restoring() -> list[TaskRecord]:
    return [task for task in store.find(kind=KIND, limit=50) if not task.is_terminal]


def _hub(text: str) -> Candidate:
    model_id = base_models.canonical(text)
    title = base_models.title_of(model_id)
    with suppress(NotFound):
        if base_models.resolve(model_id).ready:
            return Candidate("hub", title, "It is on this machine already.", model_id, here=True)
    places = " or ".join(source.place for source in base_models.sources_of(model_id))
    return Candidate("hub", title, f"Downloaded from {places}, then checked; needs a network.", model_id)


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
    if task.payload["path"] != str(candidate.path):  # added at the same moment
        raise Conflict(f"Another file is being restored as {candidate.title}.", "Choose another name.", field="name")
    announce(task.id)
    return Added(candidate.id, candidate.title, task)
