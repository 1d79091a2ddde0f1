"""Base models: the starter, directories on this machine, and downloaded Hub models.

Ids: `starter`, `local:/a/directory`, a Hub id such as `Qwen/Qwen2.5-0.5B-Instruct` (optionally with `@` and a
revision), or a name that Ollama uses. Every language model in the local Hub cache can be used, in the catalog or not.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

from core.errors import DataError, NotFound
from core.models.base_models import hub_cache
from core.models.base_models.catalog import BASE_MODELS, HubModel, by_name
from core.models.base_models.local_folder import LACKS_FILES, inspect, is_language_model
from core.models.base_models.records import BaseModelRef, Dims
from core.settings import get_settings

LOCAL = "local:"
_STARTER_TEXT = (
    "A small Llama-style model that the studio builds on this machine in about a minute. It knows little until it is "
    "trained: for trying every feature without a GPU or a network."
)


def resolve(model_id: str) -> BaseModelRef:
    """The base model with this id; its shape is known if its files are on this machine.

    Raises:
        NotFound: no such id, with the ids that exist.
        DataError: the directory cannot be used; names the file that is wrong.
    """
    if model_id == "starter":
        return _starter()
    if model_id.startswith(LOCAL):
        return _directory(Path(model_id.removeprefix(LOCAL)).expanduser())
    hub_id, note = by_name(model_id)
    hub_id, _, revision = hub_id.partition("@")
    if hub_id in BASE_MODELS:
        return _hub(BASE_MODELS.get(hub_id), note, revision)
    if hub_cache.is_hub_id(hub_id) and hub_cache.revisions(hub_id):
        return _hub(_unlisted(hub_id), note, revision)
    raise NotFound(
        f"There is no base model {model_id!r}.",
        f"Choose starter, {LOCAL}/path/to/a/model, the Hub id of a downloaded model (hf download ORG/NAME), or one of: "
        f"{', '.join(BASE_MODELS.ids())}.",
    )


def is_base(model_id: str) -> bool:
    """Whether an id belongs to a base model, downloaded or not; a tuned model cannot take its name."""
    hub_id = model_id.partition("@")[0]
    if model_id == "starter" or model_id.startswith(LOCAL) or hub_id in BASE_MODELS:
        return True
    return hub_cache.is_hub_id(hub_id) and bool(hub_cache.revisions(hub_id))


def title_of(model_id: str) -> str:
    """The title of a base model, without reading its files: for lists."""
    if model_id == "starter":
        return "Starter"
    if model_id.startswith(LOCAL):
        return Path(model_id.removeprefix(LOCAL)).name
    hub_id, _, revision = model_id.partition("@")
    title = BASE_MODELS.get(hub_id).title if hub_id in BASE_MODELS else hub_id.rpartition("/")[2]
    return f"{title} @{revision[:7]}" if revision else title


def list_models() -> list[BaseModelRef]:
    """All base models, ready ones first: the starter, directories under `base_models/`, the catalog, and other language
    models in the local Hub cache.

    A directory or cached language model that cannot be used is listed as not ready, with the reason.
    """
    others = (_unlisted(hub_id) for hub_id in hub_cache.cached() if hub_id not in BASE_MODELS)
    # the cache also contains other kinds of models
    cached = [base for base in map(_hub, others) if base.ready or (base.path and is_language_model(base.path))]
    models = [_starter(), *_local_models(), *(_hub(entry) for entry in BASE_MODELS), *cached]
    return sorted(models, key=lambda base: not (base.ready or base.buildable))


def named_directory() -> Path:
    """The folder for your model directories; they appear in the catalog."""
    return get_settings().data_dir / "base_models"


def _starter() -> BaseModelRef:
    from core.models.base_models.starter import STARTER_RECIPE, recipe_hash, starter_dir, starter_ready

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
        license="built here",
    )


def _directory(path: Path) -> BaseModelRef:
    facts = inspect(path)
    return BaseModelRef(
        id=f"{LOCAL}{path}",
        title=facts.name,
        family="On this machine",
        text=f"The model in {path}.",
        ready=True,
        path=path,
        revision=facts.revision,
        dims=facts.dims,
        bytes_per_param=facts.bytes_per_param,
        size=_size(facts.dims.params),
    )


def _local_models() -> list[BaseModelRef]:
    root = named_directory()
    known = {entry.id.replace("/", "--") for entry in BASE_MODELS}
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
            unusable=True,
        )


def _unlisted(hub_id: str) -> HubModel:
    """An entry for a cached model that is not in the catalog."""
    return HubModel(hub_id, hub_id.rpartition("/")[2], 0, "In the Hub cache", "see its card on the Hub")


def _hub(entry: HubModel, note: str = "", revision: str = "") -> BaseModelRef:
    option = f" --revision {revision}" if revision else ""
    login = "hf auth login && " if entry.gated else ""
    listed = BaseModelRef(
        id=f"{entry.id}@{revision}" if revision else entry.id,
        title=title_of(f"{entry.id}@{revision}" if revision else entry.id),
        family=entry.family,
        text=" ".join(filter(None, (entry.text, note))),
        ready=False,
        reason=_away(entry, revision),
        command=f"{login}hf download {entry.id}{option}",
        recommended=entry.recommended,
        size=entry.size if entry.billions else "",
        license=entry.license,
        gated=entry.gated,
        billions=entry.billions,
        presets=entry.presets,
    )
    try:
        path, remark = _files(entry.id, revision)
    except OSError as error:
        return replace(listed, reason=f"The Hub cache cannot be read: {error}.", command="", unusable=True)
    if path is None:
        return listed
    try:
        facts = inspect(path)
    except DataError as error:
        return _unusable(listed, path, error)
    return replace(
        listed,
        ready=True,
        reason="",
        command="",
        path=path,
        revision=path.name if path.parent.name == "snapshots" else facts.revision,
        dims=facts.dims,
        bytes_per_param=facts.bytes_per_param,
        size=listed.size or _size(facts.dims.params),
        note=remark,
    )


def _unusable(listed: BaseModelRef, path: Path, error: DataError) -> BaseModelRef:
    """A downloaded Hub model that cannot be used; the message names the model instead of its commit."""
    message = error.message.replace(path.name, listed.title)
    if path.parent == named_directory():
        reason = f"{message} {error.remedy} It is in {path}; without that directory the Hub cache is used."
        return replace(listed, path=path, reason=reason, command="", unusable=True)
    if error.remedy in LACKS_FILES:
        return replace(
            listed,
            path=path,
            reason=f"{message} Download it again; if that does not help, choose another model.",
            command=f"{listed.command} --force-download",  # else existing files are not replaced
            unusable=True,
        )
    return replace(listed, path=path, reason=f"{message} {error.remedy}", command="", unusable=True)


def _away(entry: HubModel, revision: str) -> str:
    name = f"{entry.title} at revision {revision}" if revision else entry.title
    gate = f" Accept its license ({entry.license}) at huggingface.co/{entry.id} first." if entry.gated else ""
    return f"{name} is not on this machine yet.{gate}"


def _files(hub_id: str, revision: str) -> tuple[Path | None, str]:
    """The directory with a Hub model's files, and a remark.

    A directory under `base_models/` comes first. In the cache, the named revision; else the one first used here (see
    `pin`) as long as its files exist; else `main`.
    """
    by_hand = named_directory() / hub_id.replace("/", "--")
    if by_hand.is_dir() and not revision:
        return by_hand, ""
    if revision:
        return hub_cache.snapshot(hub_id, revision), ""
    newest = hub_cache.main(hub_id)
    pinned = hub_cache.snapshot(hub_id, pinned_revision(hub_id))
    if pinned is None or pinned.name == newest:
        return hub_cache.snapshot(hub_id, newest), ""
    remark = (
        f"Revision {pinned.name[:7]}, the first one used here, is used. The cache also has a newer one: "
        f"{hub_id}@{newest[:7]}."
        if newest
        else ""
    )
    return pinned, remark


def pinned_revision(hub_id: str) -> str:
    """The commit of a Hub model that was first used here; "" if none was."""
    return _pins().get(hub_id, "")


def pin(base: BaseModelRef) -> None:
    """Record the revision of a Hub model when it is first used, so that later jobs use the same files.

    `main` moves on the Hub, so the commit is recorded once it is downloaded.
    """
    if base.path is None or base.path.parent.name != "snapshots" or "@" in base.id or pinned_revision(base.id):
        return
    named_directory().mkdir(parents=True, exist_ok=True)
    temporary = _pin_file().with_suffix(f".{os.getpid()}")
    temporary.write_text(json.dumps(_pins() | {base.id: base.path.name}, indent=1, sort_keys=True))
    temporary.replace(_pin_file())


def _pin_file() -> Path:
    return named_directory() / "revisions.json"


def _pins() -> dict[str, str]:
    try:
        return {str(key): str(value) for key, value in json.loads(_pin_file().read_text()).items()}
    except (OSError, ValueError, AttributeError):
        return {}


def _size(params: int) -> str:
    return f"{params / 1e9:.1f}B" if params >= 1e9 else f"{params / 1e6:.0f}M"
