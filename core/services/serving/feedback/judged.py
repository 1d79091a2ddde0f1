"""The answer that a vote or a correction is about, and who judges it: checked the same way for both."""

from __future__ import annotations

from typing import Any, Final

from core.errors import Conflict, DataError, NotFound
from core.platform.db.uow import UnitOfWork
from core.serving.conversations import store as conversations
from core.serving.feedback import AnswerSnapshot

MAX_AUTHOR: Final = 200
GONE: Final = "This answer does not exist. It may have been regenerated or deleted."


def answer_in(uow: UnitOfWork, conversation_id: str, turn_id: str) -> dict[str, Any]:
    """What a vote and a correction store of an answer: its conversation, agent and model, and the snapshot.

    Raises:
        NotFound: no such answer. Conflict: it is not complete. DataError: the turn is an input.
    """
    conversation = conversations.load_in(uow, conversation_id)
    turn = conversation.turn(turn_id)
    if turn is None:
        raise NotFound(GONE, "Look at the conversation again.")
    if not turn.is_answer:
        raise DataError("Only answers can be judged; this is an input.", "Choose the answer to it.", field="turn")
    if turn.is_running:
        raise Conflict("The answer is still being written.", "Wait until it is complete, or stop it.")
    return {
        "turn_id": turn.id,
        "conversation_id": conversation.id,
        "agent_id": turn.agent_id,
        "model_id": turn.model_id,
        "snapshot": AnswerSnapshot.of(conversation.title, conversation.turns, turn).to_dict(),
    }


def author(name: str) -> str:
    """The name of a person as it is stored. Raises DataError for a long one."""
    plain = " ".join(name.split())
    if len(plain) > MAX_AUTHOR:
        raise DataError(f"A name has at most {MAX_AUTHOR} characters; got {len(plain):,}.", field="author")
    return plain
