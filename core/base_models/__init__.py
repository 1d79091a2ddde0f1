"""Base models: the starter, directories on this machine, and Hub models whose files are here.

Ids: `starter`, `local:/a/directory`, a Hub id such as `Qwen/Qwen2.5-0.5B-Instruct`, or a name that Ollama users know.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from core.base_models.catalog import ALIASES, ENTRIES, HubEntry
from core.base_models.directory import inspect
from core.base_models.presets import GENERAL, LARGE, LARGE_PARAMS, STARTER
from core.base_models.records import BaseModelRef, Dims
from core.errors import DataError, NotFound
from core.settings import get_settings

LOCAL = "local:"
_STARTER_TEXT = (
    "A small Llama-style model that the studio builds on this machine in about a minute. It speaks, and knows little "
    "until it is taught: made for trying everything, for real, without a GPU or a network."
)


def resolve(model_id: str) -> BaseModelRef:
    """The base model of an id, with its shape as far as files are here.

    Raises:
        NotFound: no such id, with the ids that exist.
        DataError: a named directory cannot be used; says which file is wrong.
    """
    if model_id == "starter":
        return _starter()
    if model_id.startswith(LOCAL):
        return _directory(Path(model_id.removeprefix(LOCAL)).expanduser())
    hub_id, note = ALIASES.get(model_id.lower().removesuffix(":latest"), (model_id, ""))
    if hub_id in ENTRIES:
        return _hub(ENTRIES[hub_id], note)
    raise NotFound(
        f"There is no base model {model_id!r}.",
        f"Choose starter, {LOCAL}/path/to/a/model, or one of: {', '.join(ENTRIES)}.",
    )


def is_base(model_id: str) -> bool:
    """Whether an id belongs to a base model, here or not: no tuned model can hide it by taking its name."""
    return model_id == "starter" or model_id.startswith(LOCAL) or model_id in ENTRIES


def title_of(model_id: str) -> str:
    """What to call a base model, without looking at its files: for lists."""
    if model_id == "starter":
        return "Starter"
    if model_id.startswith(LOCAL):
        return Path(model_id.removeprefix(LOCAL)).name
    return ENTRIES[model_id].title if model_id in ENTRIES else model_id


def list_models() -> list[BaseModelRef]:
    """Everything the studio knows, ready ones first: starter, directories under `base_models/`, the Hub's families.

    A directory that cannot be used is listed too, not ready, with what is wrong with it.
    """
    found = [_starter(), *_local_models(), *(_hub(entry) for entry in ENTRIES.values())]
    return sorted(found, key=lambda base: not (base.ready or base.buildable))


def named_directory() -> Path:
    """Where a model directory may be put by hand, so that it appears in the catalog."""
    return get_settings().data_dir / "base_models"


def _starter() -> BaseModelRef:
    from core.base_models.starter import STARTER_RECIPE, recipe_hash, starter_dir, starter_ready

    ready = starter_ready()
    dims = Dims.from_config({"architectures": ["LlamaForCausalLM"], **STARTER_RECIPE["model"]})
    return BaseModelRef(
        id="starter",
        title=title_of("starter"),
        family="Starter",
        text=_STARTER_TEXT,
        ready=ready,
        path=starter_dir(get_settings()),
        revision=recipe_hash(),
        dims=dims,
        bytes_per_param=4.0,
        reason="" if ready else "It is built first; that takes about a minute.",
        recommended=True,
        size=_size(dims.params),
        license="made here",
        presets=STARTER,
    )


def _directory(path: Path, model_id: str = "") -> BaseModelRef:
    facts = inspect(path)
    return BaseModelRef(
        id=model_id or f"{LOCAL}{path}",
        title=facts.name,
        family="On this machine",
        text=f"The model in {path}.",
        ready=True,
        path=path,
        revision=facts.revision,
        dims=facts.dims,
        bytes_per_param=facts.bytes_per_param,
        size=_size(facts.dims.params),
        presets=LARGE if facts.dims.params >= LARGE_PARAMS else GENERAL,
    )


def _local_models() -> list[BaseModelRef]:
    root = named_directory()
    known = {entry.id.replace("/", "--") for entry in ENTRIES.values()}
    paths = sorted(path for path in root.glob("*") if path.is_dir() and path.name not in known) if root.is_dir() else []
    return [_or_reason(path) for path in paths]


def _or_reason(path: Path) -> BaseModelRef:
    try:
        return _directory(path)
    except DataError as error:
        return BaseModelRef(
            id=f"{LOCAL}{path}",
            title=path.name,
            family="On this machine",
            text="",
            ready=False,
            path=path,
            reason=error.message,
            command=error.remedy,
        )


def _hub(entry: HubEntry, note: str = "") -> BaseModelRef:
    listed = BaseModelRef(
        id=entry.id,
        title=entry.title,
        family=entry.family,
        text=" ".join(filter(None, (entry.text, note))),
        ready=False,
        reason=f"{entry.title} is not on this machine yet.",
        command=f"hf download {entry.id}",
        recommended=entry.recommended,
        size=entry.size,
        license=entry.license,
        presets=GENERAL,
    )
    path = _snapshot(entry.id)
    if path is None:
        return listed
    try:
        found = inspect(path)
    except DataError as error:
        return replace(listed, reason=error.message)
    return replace(
        listed,
        ready=True,
        reason="",
        command="",
        path=path,
        revision=path.name if path.parent.name == "snapshots" else found.revision,
        dims=found.dims,
        bytes_per_param=found.bytes_per_param,
    )


def _snapshot(hub_id: str) -> Path | None:
    """The directory that holds a Hub model: under `base_models/`, or its main revision in Hugging Face's cache."""
    by_hand = named_directory() / hub_id.replace("/", "--")
    if by_hand.is_dir():
        return by_hand
    repo = _hub_cache() / f"models--{hub_id.replace('/', '--')}"
    try:
        revision = (repo / "refs" / "main").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    snapshot = repo / "snapshots" / Path(revision).name
    return snapshot if snapshot.is_dir() else None


def _hub_cache() -> Path:
    """Source: huggingface_hub's documented order: HF_HUB_CACHE, HF_HOME/hub, ~/.cache/huggingface/hub."""
    if cache := os.environ.get("HF_HUB_CACHE"):
        return Path(cache).expanduser()
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "huggingface"
    return Path(home).expanduser() / "hub"


def _size(params: int) -> str:
    return f"{params / 1e9:.1f}B" if params >= 1e9 else f"{params / 1e6:.0f}M"


__all__ = ["BaseModelRef", "Dims", "is_base", "list_models", "named_directory", "resolve", "title_of"]
