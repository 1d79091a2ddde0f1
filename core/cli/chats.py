"""`sft chats FILE`: read an exported chat log, and turn its conversations into a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli._support.boundary import say
from core.cli._support.changes import print_dataset
from core.cli._support.output import print_json
from core.cli._support.settings import Texts, assign
from core.cli._support.waiting import wait_succeeded
from core.data.chat_logs import DIRECTIONS, LOG_FORMATS, REASONS
from core.errors import DataError, SettingsError

if TYPE_CHECKING:
    from core.services.data.chat_import import ChatSummary
    from core.services.data.chat_import.review_list import Choices, ImportPlan

_PARTS = ("user", "assistant", "system", "leave")
_SHOWN = 12  # speakers


def chats(
    file: Annotated[Path, typer.Argument(help="Exported chats: a file, or the zip of an export.")],
    name: Annotated[str, typer.Option(help="Name of the new dataset; without it, the log is only described.")] = "",
    read_as: Annotated[
        str, typer.Option("--format", help=f"One of {', '.join(LOG_FORMATS.ids())}. Default: detected.")
    ] = "",
    direction: Annotated[
        str,
        typer.Option(
            help=f"Order of the messages in the file: {' or '.join(filter(None, DIRECTIONS))}. Default: detected."
        ),
    ] = "",
    role: Annotated[
        Texts,
        typer.Option(metavar="SPEAKER=ROLE", help=f"Role of a speaker: {', '.join(_PARTS)}; may be repeated."),
    ] = None,
    settings: Annotated[
        Texts,
        typer.Option(
            "--set", metavar="K=V", help="A choice of reading or filtering, such as time=sent or redact=false."
        ),
    ] = None,
    description: Annotated[str, typer.Option(help="A sentence about the dataset.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Describe a chat log (order of messages, speakers, what is left out), or import it as a dataset."""
    from core.data.chat_logs import ReadOptions
    from core.data.chat_logs.shaping import ChatRecipe
    from core.platform.supervisor import ensure
    from core.services.data import chat_import
    from core.services.data.chat_import import review_list
    from core.services.platform import drafts

    if not file.is_file():
        raise DataError(f"{file} does not exist, or is not a file.", "Check the path.", code="file_missing")
    reading, recipe = assign(
        [*(settings or []), *([f"direction={direction}"] if direction else [])], ReadOptions, ChatRecipe
    )
    with ensure(set()), file.open("rb") as stream:
        source = chat_import.ingest(stream, file.name)
        if read_as:
            source = chat_import.set_format(source.id, read_as)
        reading = chat_import.hints(source.id).options.model_dump(exclude_defaults=True) | reading
        state: dict[str, Any] = {"source_id": source.id, "reading": reading}
        log = chat_import.summary(source.id, chat_import.choices(state).options)
        suggested = review_list.suggested(source.id, log)
        state["recipe"] = {**suggested, **_roles(role or [], log, suggested), **recipe}
        chosen = chat_import.choices(state)
        plan = chat_import.plan(chosen)
    if not as_json:
        _describe(log, chosen, plan)
    if not name:
        return print_json(_described(log, chosen, plan)) if as_json else print(f"{plan.imported:,} labeled examples")
    with ensure({"worker-cpu"}, say):
        state |= {"name": name, "description": description}
        task = wait_succeeded(chat_import.start(drafts.create(chat_import.KIND, state, "import").id).id)
    counts = {"read": plan.messages, "accepted": plan.used, "rejected": plan.messages - plan.used}
    print_dataset(str(task.result["dataset_id"]), counts, as_json=as_json)


def _roles(pairs: list[str], log: ChatSummary, suggested: dict[str, Any]) -> dict[str, Any]:
    """The chosen roles, by speakers' names or ids, beside the suggested ones."""
    if not pairs:
        return {}
    ids = {key: speaker.id for speaker in log.speakers for key in (speaker.name, speaker.id)}
    roles = dict(suggested["roles"])
    for pair in pairs:
        speaker, equals, part = pair.rpartition("=")
        if not equals or part not in _PARTS:
            raise SettingsError(f"--role {pair}: the role is not one of {', '.join(_PARTS)}.", "Write SPEAKER=user.")
        if speaker not in ids:
            known = ", ".join(item.name for item in log.speakers[:_SHOWN])
            raise SettingsError(f"--role {pair}: the log has no speaker {speaker!r}.", f"Its speakers are: {known}.")
        roles[ids[speaker]] = part
    sides = {"user", "assistant"} & set(roles.values())
    if not sides:
        return {"roles": roles}
    others = suggested["others"] if len(sides) == 2 else "user" if "assistant" in sides else "assistant"
    return {"roles": roles, "by_order": False, "others": others}


def _describe(log: ChatSummary, chosen: Choices, plan: ImportPlan) -> None:
    """Print what was read, in which order, by whom, and what is left out."""
    say(f"{LOG_FORMATS.get(log.format).title}: {log.conversations:,} conversations, {log.messages:,} messages")
    if log.direction is not None:
        say(f"Order of messages. {log.direction.text}")
        if not log.direction.is_clear:
            say("Choose it with --direction oldest or --direction newest.")
    for speaker in log.speakers[:_SHOWN]:
        part = chosen.recipe.roles.get(speaker.id) or ("by order" if chosen.recipe.by_order else chosen.recipe.others)
        say(f"  {speaker.name}: {speaker.messages:,} messages, {part}")
    if log.speakers_total > _SHOWN:
        say(f"  and {log.speakers_total - _SHOWN:,} more speakers")
    say(f"{plan.messages:,} messages read = {plan.used:,} used + {plan.messages - plan.used:,} left out")
    for reason, count in plan.left.items():
        say(f"  {count:,} {REASONS[reason].title}")


def _described(log: ChatSummary, chosen: Choices, plan: ImportPlan) -> dict[str, object]:
    """The same as one object."""
    direction = log.direction
    return {
        "format": log.format,
        "conversations": log.conversations,
        "messages": log.messages,
        "direction": direction.found if direction else None,
        "evidence": direction.text if direction else None,
        "undecided": direction.undecided if direction else 0,
        "examples": plan.imported,
        "used": plan.used,
        "left_out": dict(plan.left),
        "speakers": {item.name: chosen.recipe.roles.get(item.id, "") for item in log.speakers},
    }
