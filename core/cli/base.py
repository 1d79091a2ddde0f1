"""`sft base`: the base models; `list`: all of them; `get`: fetch one; `add`, `remove`: those of a user."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli._support.boundary import say
from core.cli._support.output import print_json, print_table
from core.cli._support.waiting import wait_succeeded
from core.errors import DataError
from core.text import plural, size

if TYPE_CHECKING:
    from core.models.base_models import BaseModelRef


def source_help() -> str:
    """The help of `--source`. Typer reads it when it builds the commands, so it lists the registered sources."""
    from core.models.base_models.sources import SOURCES

    kinds = [f"{source.id} ({source.place})" for source in SOURCES]
    return f"Fetch it from here only: {', '.join(kinds[:-1])} or {kinds[-1]}. Left out: tries all, in order."


def base(context: typer.Context) -> None:
    """List the base models, fetch one, add your own: list, get, add, remove."""
    if not context.invoked_subcommand:
        list()


def list(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per model, one per line.")] = False,
) -> None:
    """List the base models: those on this machine first, then those that can be fetched, with the command."""
    from core.platform.supervisor import ensure
    from core.services.training import downloads, jobs

    with ensure(set()):
        here, away = jobs.catalog()
    if as_json:
        for one in (*here, *away):
            print_json({
                "base": one.id, "title": one.title, "ready": one.ready, "params": one.params, "license": one.license,
                "path": one.path, "revision": one.revision, "note": one.note, "reason": one.reason,
                "command": one.command, "sources": [offer.source for offer in downloads.offers(one)],
            })  # fmt: skip
        return
    print_table(("BASE", "NAME", "SIZE", "STATE", "LICENSE", ""), [
        (one.id, one.title, one.size or "-", _state(one), one.license or "-", one.note or one.command)
        for one in (*here, *away)
    ])  # fmt: skip


def _state(base: BaseModelRef) -> str:
    if base.unusable:
        return "damaged"
    return "ready" if base.ready else "built when used" if base.buildable else "not here"


def get(
    model: Annotated[str, typer.Argument(help="A base model, such as smollm2, or a Hub id.")],
    source: Annotated[str, typer.Option(help=source_help())] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Fetch a base model to this machine; afterwards it is used offline. Ctrl-C leaves the rest to a later command."""
    from core.platform.supervisor import ensure
    from core.services.platform import tasks
    from core.services.training import downloads
    from core.services.training.results import DownloadResult

    with ensure({"redis", "worker-io"}, say):
        task = wait_succeeded(downloads.start(model, source).id)
        for event in tasks.events(task.id):
            if event.level == "warning":
                say(event.message)
    result = DownloadResult.of(task)
    fetched = _usable(model)
    if as_json:
        print_json({
            "base": fetched.id, "source": result.source, "path": fetched.path, "revision": fetched.revision,
            "note": fetched.note, "download_s": result.download_s, "restore_s": result.restore_s,
        })  # fmt: skip
        return
    print(fetched.id)
    say(" ".join(filter(None, (f"{fetched.title} is in {fetched.path}.", fetched.note))))


def add(
    model: Annotated[str, typer.Argument(help="A model's directory, a GGUF file, or a Hub id.")],
    name: Annotated[str, typer.Option(help="The name of the base that a GGUF file becomes.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Add another base model. A directory is used where it is; a GGUF file is restored once."""
    from core.platform.supervisor import ensure
    from core.services.training import own_bases

    with ensure(set()):
        candidate = own_bases.examine(model, name, folder=Path.cwd())
    say(f"{candidate.title}: {candidate.facts}")
    with ensure({"redis", f"worker-{candidate.queue}"} if candidate.queue else set(), say):
        added = own_bases.add(candidate)
        if added.task:
            wait_succeeded(added.task.id)
    base = _usable(added.id)
    if as_json:
        print_json({
            "base": base.id, "title": base.title, "path": base.path, "revision": base.revision, "params": base.params,
            "note": base.note,
        })  # fmt: skip
    else:
        print(base.id)


def _usable(model: str) -> BaseModelRef:
    """A base model whose files were just fetched. Raises DataError: they cannot be used."""
    from core.models import base_models

    found = base_models.resolve(model)
    if not found.ready:
        raise DataError(f"{found.title} is on this machine now, but cannot be used: {found.reason}", found.command)
    return found


def remove(
    base: Annotated[str, typer.Argument(help="Its id, as `sft base list` prints it, or its path.")],
) -> None:
    """Remove a base model that you added. A directory stays as it is; what was restored from a GGUF file is deleted."""
    from core.platform.supervisor import ensure
    from core.services.training import own_bases

    with ensure(set()):
        made = {one.id: own_bases.gguf_bytes(one) for one in own_bases.list_own()}
        removed = own_bases.remove(base)
        archived = own_bases.archived_on(removed)
    if archived:
        say(f"{plural(archived, 'archived model')} cannot answer without {removed.title}, until it is added again.")
    kept = f"Its files are still in {removed.path}." if own_bases.keeps_files(removed) else "Its files were deleted."
    gguf = made.get(removed.id, 0)
    also = f" The GGUF file made of it for llama.cpp ({size(gguf)}) was deleted." if gguf else ""
    say(f"{removed.title} was removed. {kept}{also}")


SUBCOMMANDS = (list, get, add, remove)
