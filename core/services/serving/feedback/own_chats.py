"""The studio's own conversations as a chat log: what *Import conversations* reads beside exported files."""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, func, select

from core.errors import DataError
from core.platform.db.tables import CONVERSATIONS, CORRECTIONS, FEEDBACK, TURNS
from core.platform.db.uow import read
from core.platform.tasks.records import TaskRecord
from core.services.data import chat_import
from core.services.data.chat_import import review_list
from core.services.data.chat_import.reading import options_of, summary
from core.services.data.sources import SourceRecord
from core.services.platform import drafts
from core.services.platform.drafts import DraftRecord

MAX_BYTES: Final = 2_000_000_000
_AT_ONCE: Final = 200  # conversations


@dataclass(frozen=True, slots=True)
class OwnChats:
    """Which conversations are meant, and what becomes of them.

    Args:
        since, until: Unix seconds of the beginning of a conversation, `until` itself not included.
        min_quality: from 0 to 100, as `core.data.chat_logs.quality` counts it.
        max_examples: None for all.
    """

    agent_id: str = ""
    model_id: str = ""
    since: float | None = None
    until: float | None = None
    min_quality: int = 0
    max_examples: int | None = None

    @property
    def recipe(self) -> dict[str, Any]:
        """The choices that the import itself makes."""
        names = ("since", "until", "min_quality", "max_examples")
        return {name: getattr(self, name) for name in names}


def count(asked: OwnChats) -> int:
    """How many conversations are meant."""
    return int(read(select(func.count()).select_from(CONVERSATIONS).where(*_conditions(asked)))[0][0])


def begin(asked: OwnChats, name: str) -> DraftRecord:
    """A draft of an import of these conversations, as they are now; it begins with the review.

    Args:
        name: what the conversations are called: *Support desk*.

    Raises:
        DataError: there are none, or a choice is not possible.
    """
    source, recipe = _stored(asked, name), {}
    recipe = {**review_list.suggested(source.id, summary(source.id, options_of({}))), **asked.recipe}
    review_list.choices({"source_id": source.id, "recipe": recipe})
    return drafts.create(chat_import.KIND, {"source_id": source.id, "reading": {}, "recipe": recipe}, "review")


def start(asked: OwnChats, *, name: str, description: str = "", recipe: Mapping[str, Any] | None = None) -> TaskRecord:
    """Import these conversations as a dataset, in the background. Raises as `chat_import.start_with`."""
    chosen = {**asked.recipe, **(recipe or {})}
    source = _stored(asked, name)
    return chat_import.start_with(source.id, name=name, description=description, reading={}, recipe=chosen)


def _stored(asked: OwnChats, name: str) -> SourceRecord:
    if not count(asked):
        raise DataError("No conversation matches.", "Choose another agent, model or date.", code="no_rows")
    with tempfile.TemporaryFile() as file:
        for record in _records(asked):
            file.write(json.dumps(record).encode() + b"\n")
        file.seek(0)
        return chat_import.ingest(file, f"Conversations - {name[:100]}.jsonl", MAX_BYTES)


def _conditions(asked: OwnChats) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    for column, value in (("agent_id", asked.agent_id), ("model_id", asked.model_id)):
        if value:
            # Not EXISTS: SQLite would go through every turn of the agent once for each conversation.
            found.append(CONVERSATIONS.c.id.in_(select(TURNS.c.conversation_id).where(TURNS.c[column] == value)))
    if asked.since is not None:
        found.append(CONVERSATIONS.c.created_at >= asked.since)
    if asked.until is not None:
        found.append(CONVERSATIONS.c.created_at < asked.until)
    return found


def _records(asked: OwnChats) -> Iterator[dict[str, Any]]:
    """One for each conversation, the newest first: the most recent ones are taken up to the maximum."""
    query = select(CONVERSATIONS.c.id, CONVERSATIONS.c.title).where(*_conditions(asked))
    every = read(query.order_by(CONVERSATIONS.c.created_at.desc(), CONVERSATIONS.c.id.desc()))
    for start in range(0, len(every), _AT_ONCE):
        part = every[start : start + _AT_ONCE]
        yield from _of({row.id: row.title for row in part})


def _of(titles: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    ids = list(titles)
    ratings, corrected, doubted = _ratings(ids), *_corrections(ids)
    turns: dict[str, list[Any]] = defaultdict(list)
    of_these = select(TURNS).where(TURNS.c.conversation_id.in_(ids), TURNS.c.state != "running")
    for row in read(of_these.order_by(TURNS.c.position)):
        turns[row.conversation_id].append(row)
    for key in ids:
        written = []
        system = next((row.system for row in turns[key] if row.system.strip()), "")
        if system:
            written.append({"role": "system", "text": system, "at": turns[key][0].created_at})
        for row in turns[key]:
            answer: dict[str, Any] = {"role": row.role, "text": row.content, "at": row.created_at, "turn": row.id}
            if row.role == "assistant":
                answer |= {"model": row.model_name, "notes": _notes(row, row.id in corrected, row.id in doubted)}
                if row.id in corrected:
                    answer["text"] = corrected[row.id]
                elif row.id in ratings:
                    answer["rating"] = ratings[row.id]
            written.append(answer)
        yield {"studio_conversation": key, "title": titles[key], "turns": written}


def _notes(row: Any, corrected: bool, doubted: bool) -> list[str]:
    if corrected:
        return ["corrected"]
    cut = row.state == "complete" and row.finish_reason == "length"
    known = {"doubted": doubted, "cut_off": cut, "unfinished": row.state in ("stopped", "interrupted")}
    return [note for note, applies in known.items() if applies]


def _ratings(ids: Sequence[str]) -> dict[str, float]:
    """What people think of each answer, from 0 to 1: the mean of their thumbs, or else of their stars."""
    found: dict[str, list[float]] = defaultdict(list)
    query = select(FEEDBACK.c.turn_id, FEEDBACK.c.thumb, FEEDBACK.c.stars)
    for turn_id, thumb, stars in read(query.where(FEEDBACK.c.conversation_id.in_(ids))):
        if thumb or stars:
            found[turn_id].append((thumb + 1) / 2 if thumb else (stars - 1) / 4)
    return {turn_id: sum(values) / len(values) for turn_id, values in found.items()}


def _corrections(ids: Sequence[str]) -> tuple[dict[str, str], set[str]]:
    """The accepted corrections by the answer, and the answers with one that waits for a review."""
    accepted: dict[str, str] = {}
    waiting: set[str] = set()
    query = select(CORRECTIONS.c.turn_id, CORRECTIONS.c.state, CORRECTIONS.c.text)
    for turn_id, state, text in read(query.where(CORRECTIONS.c.conversation_id.in_(ids))):
        if state == "accepted":
            accepted[turn_id] = text
        elif state == "new":
            waiting.add(turn_id)
    return accepted, waiting
