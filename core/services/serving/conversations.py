"""Conversations with models: sent, answered in the background, edited, renamed, deleted.

An answer belongs to the process, not to the window that asked for it: it is read by a thread and saved every second,
so that a reload, a second window or a closed tab changes nothing.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

from core.errors import Conflict, DatabaseUnavailable, DataError, StudioError
from core.ids import new_id
from core.messages import Message
from core.platform.db.uow import UnitOfWork
from core.services.serving import agents, chat
from core.services.serving.answering import StreamedAnswer
from core.services.serving.chat import ChatOptions, ServedModel
from core.serving.conversations import (
    ConversationRecord as ConversationRecord,
    TurnRecord as TurnRecord,
    messages_for,
    store,
    title_of,
)

log = logging.getLogger("sft.conversations")

MAX_CHARACTERS: Final = 100_000  # of an input or a system message; a model's own limit is usually smaller
MAX_TITLE: Final = 120
_SAVE_S: Final = 1.0
_SAVE_TRIES: Final = 60
_SAVED_WITHIN_S: Final = 5.0  # how long a stopped answer may take to be saved


@dataclass(frozen=True, slots=True)
class AnswerChoice:
    """Which model answers, and how; or which agent, whose model, system message and settings are used instead."""

    model_id: str
    system: str = ""
    options: ChatOptions = field(default_factory=ChatOptions)
    agent_id: str = ""


@dataclass(frozen=True, slots=True)
class _Answering:
    """What a choice amounts to in one conversation."""

    model: ServedModel
    system: str
    options: ChatOptions
    fallback: ServedModel | None = None
    agent_id: str = ""
    agent_version: int = 0

    @property
    def settings(self) -> dict[str, Any]:
        usual, used = ChatOptions(), self.options
        further = {name: getattr(used, name) for name in ("top_p", "seed", "stop")}
        changed = {name: value for name, value in further.items() if value != getattr(usual, name)}
        return {"max_tokens": used.max_tokens, "temperature": used.temperature, **changed}


@dataclass(frozen=True, slots=True)
class _Open:
    """An answer that this process is receiving; `saved` is set once its final state is in the database."""

    answer: StreamedAnswer
    saved: threading.Event
    asked: _Answering

    @property
    def values(self) -> dict[str, Any]:
        """What has arrived, and from which model where that is the fallback."""
        fallback = self.asked.fallback
        instead = _model_values(fallback) if fallback and self.answer.model_id == fallback.id else {}
        return _values(self.answer) | instead


_OPEN: dict[str, _Open] = {}  # by the id of the turn


def new_conversation_id() -> str:
    """The id of a conversation that starts with its first input: sending that twice starts one conversation."""
    return new_id("conv")


def list_conversations(search: str = "", offset: int = 0, limit: int = 20) -> tuple[list[ConversationRecord], int]:
    """A page of the conversations whose titles contain a text, the newest first, and how many there are."""
    return store.listed(search.strip(), offset, limit)


def get_conversation(conversation_id: str) -> ConversationRecord:
    """Raises NotFound."""
    return store.load(conversation_id)


def revision_of(conversation_id: str) -> int | None:
    """What a window compares with the revision that it shows; None if the conversation was deleted."""
    return store.revision_of(conversation_id)


def send(conversation_id: str, text: str, choice: AnswerChoice, *, seen: str = "") -> ConversationRecord:
    """Add an input, and let the model begin its answer. The first input creates the conversation.

    Args:
        seen: the id of the last turn that the sender saw, "" for none. The same input sent twice is sent once.

    Raises:
        DataError: the input is empty or too long. Conflict: the conversation was continued elsewhere. BudgetReached: a
            budget does not cover the answer.
        NotFound, ProviderUnavailable: the model cannot answer.
    """
    _check(text, choice)
    asked = _answering(choice, conversation_id)
    if asked.fallback is None:  # else that one answers
        chat.check_budget([asked.model.id], [Message("user", text)], asked.options)
    stop(seen)
    with UnitOfWork() as uow:
        store.create(uow, conversation_id, title_of(text))
        before = store.load_in(uow, conversation_id, lock=True)
        if before.last_id != seen:
            return _sent_already(before, seen, text)
        position = before.last.position + 1 if before.last else 0
        store.add_turn(uow, conversation_id, position, "user", content=text)
        begin = _begin_answer(uow, conversation_id, position + 1, asked)
        uow.commit()
    return begin()


def edit(conversation_id: str, turn_id: str, text: str, choice: AnswerChoice, *, seen: str) -> ConversationRecord:
    """Replace an earlier input and everything after it, and let the model answer. Arguments and errors as `send`."""
    _check(text, choice)
    asked = _answering(choice, conversation_id)
    with _replaced(conversation_id, turn_id, seen) as (uow, before, turn):
        if turn.position == 0 and not before.renamed:
            store.change(uow, conversation_id, title=title_of(text))
        store.add_turn(uow, conversation_id, turn.position, "user", content=text)
        begin = _begin_answer(uow, conversation_id, turn.position + 1, asked)
        uow.commit()
    return begin()


def regenerate(conversation_id: str, turn_id: str, choice: AnswerChoice, *, seen: str) -> ConversationRecord:
    """Replace an answer and everything after it with a new answer to the same input. Raises as `send`."""
    _check("-", choice)
    asked = _answering(choice, conversation_id)
    with _replaced(conversation_id, turn_id, seen) as (uow, _, turn):
        begin = _begin_answer(uow, conversation_id, turn.position, asked)
        uow.commit()
    return begin()


def remove_from(conversation_id: str, turn_id: str, *, seen: str) -> ConversationRecord:
    """Delete a turn and everything after it. Raises Conflict if the conversation was continued elsewhere."""
    with _replaced(conversation_id, turn_id, seen) as (uow, _, _turn):
        store.change(uow, conversation_id)
        uow.commit()
    return store.load(conversation_id)


def stop(turn_id: str) -> None:
    """End a running answer; the part that arrived is kept and marked. No effect on a finished one."""
    if (entry := _OPEN.get(turn_id)) is not None:
        entry.answer.stop()
        entry.saved.wait(_SAVED_WITHIN_S)
        return
    turn = store.load_turn(turn_id) if turn_id else None
    if turn is not None and turn.is_answer and turn.state in ("running", "interrupted"):
        store.save_answer(turn_id, {"state": "stopped" if turn.is_running else "interrupted"})


def progress(turn: TurnRecord) -> TurnRecord | None:
    """A running answer as it is now; None if its turn was replaced or removed."""
    if (entry := _OPEN.get(turn.id)) is None:
        return store.load_turn(turn.id)
    return replace(turn, **{**entry.values, "state": "running"})


def is_here(turn: TurnRecord) -> bool:
    """Whether this process receives the answer, so that `progress` costs nothing."""
    return turn.id in _OPEN


def rename(conversation_id: str, title: str) -> ConversationRecord:
    """Raises DataError for an empty or a long title, NotFound."""
    title = " ".join(title.split())
    if not title or len(title) > MAX_TITLE:
        raise DataError(f"A title has 1 to {MAX_TITLE} characters; got {len(title)}.", field="title")
    with UnitOfWork() as uow:
        store.load_in(uow, conversation_id, lock=True)
        store.change(uow, conversation_id, moves_up=False, title=title, renamed=True)
        uow.commit()
    return store.load(conversation_id)


def delete(conversation_id: str) -> None:
    """Delete a conversation with all its messages; a running answer stops. No effect if it was deleted already."""
    with UnitOfWork() as uow:
        store.remove(uow, conversation_id)
        uow.commit()


def _check(text: str, choice: AnswerChoice) -> None:
    if not text.strip():
        raise DataError("The message is empty.", "Type a message.", field="text")
    for name, value in (("message", text), ("system message", choice.system)):
        if len(value) > MAX_CHARACTERS:
            raise DataError(f"The {name} is too long: {len(value):,} characters; the limit is {MAX_CHARACTERS:,}.")


def _answering(choice: AnswerChoice, conversation_id: str) -> _Answering:
    """Raises NotFound, ProviderUnavailable: the model, or no model of the agent, can answer."""
    if not choice.agent_id:
        return _Answering(chat.identity(choice.model_id), choice.system, choice.options)
    found = agents.resolve(choice.agent_id, conversation_id)
    number = found.agent.version.number
    return _Answering(found.model, found.system, found.options, found.fallback, found.agent.id, number)


def _model_values(model: ServedModel) -> dict[str, Any]:
    """What a turn stores about the model that answered."""
    return {
        "model_id": model.id,
        "model_name": model.title,
        "base_model": model.base_model,
        "adapter": model.adapter,
        "template_hash": model.template_hash,
    }


def _sent_already(before: ConversationRecord, seen: str, text: str) -> ConversationRecord:
    """The conversation, if what follows the last turn that the sender saw is the same input."""
    known = before.turn(seen)
    if (known is not None or not seen) and before.turns:
        following = before.turns[before.turns.index(known) + 1] if known else before.turns[0]
        if not following.is_answer and following.content == text:
            return before
    raise Conflict(
        "This conversation was continued in another window, so your message was not sent.",
        "Read the new messages, then send it again.",
    )


@contextmanager
def _replaced(
    conversation_id: str, turn_id: str, seen: str
) -> Iterator[tuple[UnitOfWork, ConversationRecord, TurnRecord]]:
    """A transaction in which a turn and everything after it is removed. The caller commits."""
    stop(seen)
    with UnitOfWork() as uow:
        before = store.load_in(uow, conversation_id, lock=True)
        turn = before.turn(turn_id)
        if turn is None or before.last_id != seen:
            raise Conflict("This conversation was changed in another window.", "Read the new messages, then try again.")
        store.remove_from(uow, conversation_id, turn.position)
        yield uow, before, turn


def _begin_answer(
    uow: UnitOfWork, conversation_id: str, position: int, asked: _Answering
) -> Callable[[], ConversationRecord]:
    """Add a running answer; what is returned starts it, once the transaction is committed."""
    messages = messages_for(store.load_in(uow, conversation_id).turns, asked.system)
    turn_id = store.add_turn(
        uow,
        conversation_id,
        position,
        "assistant",
        state="running",
        system=asked.system,
        settings=asked.settings,
        agent_id=asked.agent_id,
        agent_version=asked.agent_version,
        **_model_values(asked.model),
    )
    store.change(
        uow,
        conversation_id,
        model_id=asked.model.id,
        system=asked.system,
        settings=asked.settings,
        agent_id=asked.agent_id,
    )

    def begin() -> ConversationRecord:
        _start(turn_id, messages, asked)
        return store.load(conversation_id)

    return begin


def _start(turn_id: str, messages: list[Message], asked: _Answering) -> None:
    fallback_id = asked.fallback.id if asked.fallback else ""
    answer = StreamedAnswer(asked.model.id, messages, asked.options, fallback_id)
    entry = _Open(answer, threading.Event(), asked)
    _OPEN[turn_id] = entry
    answer.start()
    threading.Thread(target=_keep, args=(turn_id, entry), name=f"keeper of {turn_id}", daemon=True).start()


def _keep(turn_id: str, entry: _Open) -> None:
    """Save what arrives, until it is complete; end it if its turn was stopped, replaced or removed elsewhere."""
    answer = entry.answer
    try:
        while not answer.done.wait(_SAVE_S):
            if not _saved(turn_id, entry.values, tries=1):
                answer.stop()
                return
        error = _described(answer.error) if answer.error else {}
        _saved(turn_id, {**entry.values, "error": error}, tries=_SAVE_TRIES)
    except Exception:
        log.exception("an answer could not be saved")
        answer.stop()
    finally:
        _OPEN.pop(turn_id, None)
        entry.saved.set()


def _saved(turn_id: str, values: dict[str, Any], tries: int) -> bool:
    """Write to the database, which may be busy or away for a while. False if the turn does not run any more."""
    for left in range(tries - 1, -1, -1):
        try:
            return store.save_answer(turn_id, values)
        except DatabaseUnavailable:
            if not left:
                log.warning("an answer is not saved yet: the database does not respond")
        threading.Event().wait(_SAVE_S)
    return True


def _values(answer: StreamedAnswer) -> dict[str, Any]:
    return {
        "content": answer.text,
        "state": answer.state,
        "finish_reason": answer.finish_reason,
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": answer.tokens,
        "first_token_s": answer.first_s,
        "seconds": answer.waited_s,
    }


def _described(error: Exception) -> dict[str, str]:
    """What a conversation stores of an error; an unexpected one is logged with the id that it shows."""
    if isinstance(error, StudioError):
        return {"message": error.message, "remedy": error.remedy}
    error_id = secrets.token_hex(3)
    log.error("unexpected error %s", error_id, exc_info=error)
    return {"message": "The answer failed.", "remedy": f"Error ID: {error_id}. Look for it in the studio's log."}
