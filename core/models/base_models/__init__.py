"""Base models: the starter, directories on this machine, downloaded Hub models and restored ones.

Ids: `starter`, `local:/a/directory`, a Hub id such as `Qwen/Qwen2.5-0.5B-Instruct` (optionally with `@` and a
revision), a short name such as `smollm2`, or a name that Ollama uses. Every language model in the local Hub cache can
be used, in the catalog or not.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from core.errors import DataError, NotFound
from core.models.base_models import added, hub_cache
from core.models.base_models.catalog import BASE_MODELS, HubModel, by_name, names
from core.models.base_models.local_folder import LACKS_FILES, inspect, is_language_model
from core.models.base_models.records import BaseModelRef, Dims
from core.models.base_models.restored import bases_directory, folder_of, restored_from
from core.models.base_models.same_weights import entry_for
from core.models.base_models.sources import HubSource, ModelSource
from core.settings import get_settings

LOCAL = "local:"
_STARTER_TEXT = (
    "A small Llama-style model that the studio builds on this machine in a few minutes. It knows little until it is "
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
    named, note = by_name(model_id)
    hub_id, revision = _split(named)
    if hub_id in BASE_MODELS:
        return _hub(BASE_MODELS.get(hub_id), note, revision)
    if hub_cache.is_hub_id(hub_id) and hub_cache.revisions(hub_id):
        return _hub(_unlisted(hub_id), note, revision)
    raise NotFound(f"There is no base model {model_id[:200]!r}.", _choices(model_id))


def _choices(wanted: str) -> str:
    """What a person who named an unknown model can choose."""
    if wanted.startswith(("/", "~", ".")):
        return f"If it is a directory, write {LOCAL}{wanted[:200]}; `sft base add` adds it to the lists."
    close = get_close_matches(wanted.lower(), ["starter", *names()], n=1)
    return (
        f"{f'Did you mean {close[0]}? ' if close else ''}Choose starter, {LOCAL}/path/to/a/model, the Hub id of a "
        "downloaded model (hf download ORG/NAME), or one of: "
        f"{', '.join(entry.short or entry.id for entry in BASE_MODELS)}."
    )


def canonical(model_id: str) -> str:
    """The id of a base model that a person may have named in another way; an unknown name is returned unchanged."""
    return by_name(model_id)[0]


def sources_of(model_id: str) -> tuple[ModelSource, ...]:
    """Where a model can be fetched from, in the order they are tried; a revision exists on the Hub only."""
    return _sources(*_split(canonical(model_id)))


def suggested_id() -> str:
    """The real model for a first job: the first of the catalog that can be fetched where the Hub cannot be reached."""
    elsewhere = (entry.id for entry in BASE_MODELS if not all(isinstance(one, HubSource) for one in entry.sources))
    return next(elsewhere, "")


def is_base(model_id: str) -> bool:
    """Whether an id belongs to a base model, downloaded or not; a tuned model cannot take its name."""
    hub_id = model_id.partition("@")[0]
    if model_id == "starter" or model_id.startswith(LOCAL) or hub_id in BASE_MODELS:
        return True
    if any(entry.short and entry.short == model_id.lower() for entry in BASE_MODELS):
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


def _split(model_id: str) -> tuple[str, str]:
    """The Hub id and the revision, "" if there is none."""
    hub_id, _, revision = model_id.partition("@")
    return hub_id, revision


def _sources(hub_id: str, revision: str) -> tuple[ModelSource, ...]:
    sources = BASE_MODELS.get(hub_id).sources if hub_id in BASE_MODELS else (HubSource(),)
    return tuple(source for source in sources if not revision or isinstance(source, HubSource))


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
        reason="" if ready else "It is built first; that takes a few minutes.",
        recommended=True,
        size=_size(dims.params),
        license="built here",
    )


def _directory(path: Path) -> BaseModelRef:
    facts, origin = inspect(path), restored_from(path)
    known = entry_for(path, facts.dims.params)
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
        license=origin.license if origin else "",
        note=origin.text if origin else "",
        origin=origin,
        presets=known.presets if known else {},
    )


def _local_models() -> list[BaseModelRef]:
    """Directories put into `base_models/`, then those added by their path, then those restored from a user's file."""
    known = catalog_names()
    here, restored = (
        sorted(path for path in root.glob("[!.]*") if path.is_dir() and path.name not in known)
        for root in (named_directory(), bases_directory())
    )
    return [_or_reason(path) for path in dict.fromkeys([*here, *added.directories(), *restored])]


def catalog_names() -> frozenset[str]:
    """The names of directories that belong to models of the catalog."""
    return frozenset(entry.id.replace("/", "--") for entry in BASE_MODELS)


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
    listed = BaseModelRef(
        id=f"{entry.id}@{revision}" if revision else entry.id,
        title=title_of(f"{entry.id}@{revision}" if revision else entry.id),
        family=entry.family,
        text=" ".join(filter(None, (entry.text, note))),
        ready=False,
        reason=_away(entry, revision),
        command=_command(entry, revision),
        recommended=entry.recommended,
        size=entry.size if entry.billions else "",
        license=entry.license,
        gated=entry.gated,
        billions=entry.billions,
        presets=entry.presets,
        sources=_sources(entry.id, revision),
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
    origin = restored_from(path)
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
        note=" ".join(filter(None, (origin.text if origin else "", remark))),
        origin=origin,
    )


def _command(entry: HubModel, revision: str) -> str:
    """What to type in a terminal to get its files."""
    if any(not isinstance(source, HubSource) for source in _sources(entry.id, revision)):
        return f"sft base get {entry.short or entry.id}"
    login = "hf auth login && " if entry.gated else ""
    return f"{login}hf download {entry.id}{f' --revision {revision}' if revision else ''}"


def _unusable(listed: BaseModelRef, path: Path, error: DataError) -> BaseModelRef:
    """A downloaded Hub model that cannot be used; the message names the model instead of its commit."""
    message = error.message.replace(path.name, listed.title)
    if path.parent == named_directory():
        reason = f"{message} {error.remedy} It is in {path}; without that directory the Hub cache is used."
        return replace(listed, path=path, reason=reason, command="", unusable=True)
    if path.parent == bases_directory():
        reason = f"{message} Download it again: the damaged copy in {path} is replaced."
        return replace(listed, path=path, reason=reason, unusable=True)
    if error.remedy in LACKS_FILES:
        return replace(
            listed,
            path=path,
            reason=f"{message} Download it again; if that does not help, choose another model.",
            command=_again(listed.command),
            unusable=True,
        )
    return replace(listed, path=path, reason=f"{message} {error.remedy}", command="", unusable=True)


def _again(command: str) -> str:
    """The command that replaces damaged files; `hf` keeps existing ones unless it is forced."""
    return f"{command} --force-download" if "hf download" in command else command


def _away(entry: HubModel, revision: str) -> str:
    name = f"{entry.title} at revision {revision}" if revision else entry.title
    gate = f" Accept its license ({entry.license}) at huggingface.co/{entry.id} first." if entry.gated else ""
    return f"{name} is not on this machine yet.{gate}"


def _files(hub_id: str, revision: str) -> tuple[Path | None, str]:
    """The directory with a Hub model's files, and a remark.

    A directory under `base_models/` comes first. Then the named revision; else the one first used here (see `pin`) as
    long as its files exist; else the cache's `main`; else the files that were restored here.
    """
    by_hand = named_directory() / hub_id.replace("/", "--")
    if by_hand.is_dir() and not revision:
        return by_hand, ""
    if revision:
        return hub_cache.snapshot(hub_id, revision) or _restored(hub_id, revision), ""
    newest, pinned = hub_cache.main(hub_id), pinned_revision(hub_id)
    if path := _restored(hub_id, pinned) if pinned else None:
        remark = f"Jobs here began with it; the Hub cache also has the original: {hub_id}@{newest[:7]}."
        return path, remark if newest else ""
    snapshot = hub_cache.snapshot(hub_id, pinned)
    if snapshot is None or snapshot.name == newest:
        return hub_cache.snapshot(hub_id, newest) or _restored(hub_id), ""
    remark = (
        f"Revision {snapshot.name[:7]}, the first one used here, is used. The cache also has a newer one: "
        f"{hub_id}@{newest[:7]}."
        if newest
        else ""
    )
    return snapshot, remark


def _restored(hub_id: str, revision: str = "") -> Path | None:
    """The directory that was restored here, if it is there and has this revision."""
    path = folder_of(hub_id)
    if not path.is_dir():
        return None
    try:
        return path if not revision or inspect(path).revision.startswith(revision) else None
    except DataError:
        return None


def pinned_revision(hub_id: str) -> str:
    """The revision of a catalog or Hub model that was first used here; "" if none was."""
    return _pins().get(hub_id, "")


def pin(base: BaseModelRef) -> None:
    """Record the revision of a Hub model when it is first used, so that later jobs use the same files.

    `main` moves on the Hub, and full precision may be downloaded after a restored base was used.
    """
    fetched = base.path is not None and (base.path.parent.name == "snapshots" or base.path.parent == bases_directory())
    if not fetched or not hub_cache.is_hub_id(base.id) or pinned_revision(base.id):
        return
    named_directory().mkdir(parents=True, exist_ok=True)
    temporary = _pin_file().with_suffix(f".{os.getpid()}")
    temporary.write_text(json.dumps(_pins() | {base.id: base.revision}, indent=1, sort_keys=True))
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


def template_hash(model_id: str) -> str:
    """SHA-256 of a base model's chat template; "" if its files are not on this machine."""
    path = resolve(model_id).path
    if path is None or not (path / "tokenizer.json").is_file():
        return ""
    from core.models.base_models.light_tokenizer import template_of

    return hashlib.sha256(template_of(path).encode()).hexdigest()
