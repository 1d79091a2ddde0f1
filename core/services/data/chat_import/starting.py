"""The draft of an import of conversations, and its start.

State of a `chat_import` draft (all optional until the step that needs them):
    source_id               the stored log
    reading                 ReadOptions that differ from their defaults
    recipe                  ChatRecipe: roles, filters, redaction
    decisions               {example key: {"do": keep | edit | drop, "messages": of an edit}}
    name, description       of the new dataset
    hold_out                share of the examples to hold out, 0 to 0.5; absent: decided by size

The import is done by `worker/handlers/chat_import.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any

from core import arguments
from core.data import chat_logs
from core.errors import DataError
from core.platform.storage import get_storage
from core.platform.tasks.records import TaskRecord
from core.services.data.chat_import import stored
from core.services.data.chat_import.reading import options_of, summary
from core.services.data.chat_import.review_list import choices, plan, suggested
from core.services.data.chat_import.stored import ingest
from core.services.data.datasets.records import get_version
from core.services.data.datasets.writing import check_name, start_draft
from core.services.data.sources import SourceRecord
from core.services.platform import drafts

KIND = "chat_import"
LEFT_OUT = "left_out.jsonl"
SAMPLE = "shop_chats.csv"


def formats() -> list[chat_logs.LogFormat]:
    """The chat exports that can be read, in the order of the screen."""
    return list(chat_logs.LOG_FORMATS)


def begin(source: SourceRecord) -> drafts.DraftRecord:
    """A draft for a stored log, with the initial choices."""
    reading = stored.hints(source.id).options.model_dump(exclude_defaults=True)
    return drafts.create(KIND, {"source_id": source.id, "reading": reading}, "roles")


def sample_source() -> SourceRecord:
    """The sample chats of a fictional shop's help desk, stored like an upload."""
    with resources.files("core.data.samples").joinpath(SAMPLE).open("rb") as stream:
        return ingest(stream, SAMPLE)  # type: ignore[arg-type]


def start(draft_id: str) -> TaskRecord:
    """Start the import that a draft describes; see `start_draft`. Raises DataError if no example is left."""
    return start_draft(draft_id, KIND, KIND, "Import conversations", "chat log", _payload)


def start_with(
    source_id: str, *, name: str, description: str = "", reading: Mapping[str, Any], recipe: Mapping[str, Any]
) -> TaskRecord:
    """Draft and start in one call, for programs; what they leave out is as the screen suggests it.

    Raises:
        NotFound: no such log. DataError: a choice is wrong, or no example is left. Conflict: the name is taken.
    """
    source = stored.get(source_id)
    hinted = stored.hints(source.id).options.model_dump(exclude_defaults=True)
    read_as = {**hinted, **arguments.mapping(reading, "reading")}
    found = summary(source.id, options_of(read_as))
    chosen = {**suggested(source.id, found), **arguments.mapping(recipe, "recipe")}
    state = {"source_id": source.id, "reading": read_as, "recipe": chosen, "name": name, "description": description}
    check_name(name)
    _payload(state)  # refuse before an unused draft is created
    return start(drafts.create(KIND, state, "save").id)


def _payload(state: Mapping[str, Any]) -> dict[str, Any]:
    chosen = choices(state)
    if not plan(chosen).imported:
        raise DataError("No examples are left to import.", "Change the roles or the filters.", code="too_few_examples")
    check_name(str(state.get("name") or "").strip())
    return {
        "source_id": chosen.source_id,
        "reading": chosen.options.model_dump(exclude_defaults=True),
        "recipe": chosen.recipe.model_dump(),
        "decisions": dict(chosen.decisions),
    }


def left_out(version_id: str) -> Iterator[bytes]:
    """What the import left out, streamed: a JSON object per line, with the reason; redacted if the import redacts.

    Raises:
        NotFound: no such version. StorageError: the version is not an import of conversations.
    """
    return get_storage().blocks(f"{get_version(version_id).path}/{LEFT_OUT}")
