"""`/api/v1/conversations/.../feedback`: votes on answers, corrections of them, their review, and datasets of both."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from fastapi import Query, Request
from fastapi.responses import Response

from api.platform.records import Limit, records
from api.platform.scopes import caller_of, needs
from api.serving.feedback_shapes import (
    CorrectionChange,
    CorrectionInput,
    CorrectionPage,
    CorrectionShown,
    FeedbackDataset,
    GatheredShown,
    OpinionsShown,
    VoteInput,
    VotePage,
    VoteShown,
)
from core.services.platform.api_keys import DATA, READ, SERVE
from core.services.serving import feedback

router: Final = records("/api/v1", "Feedback")
_READING: Final = [needs(READ, SERVE)]
_SERVING: Final = [needs(SERVE)]
_REVIEWING: Final = [needs(DATA)]
_TURN: Final = "/conversations/{conversation_id}/turns/{turn_id}"
Agent = Annotated[str, Query(max_length=100, description="the id of an agent")]
Model = Annotated[str, Query(max_length=200, description="the id of a model")]
Offset = Annotated[int, Query(ge=0, le=10_000_000)]


@router.get(f"{_TURN}/feedback", dependencies=_READING)
def get_feedback(conversation_id: str, turn_id: str) -> OpinionsShown:
    """What people think of one answer: their votes and corrections, in order."""
    return OpinionsShown.of(feedback.of_turn(conversation_id, turn_id))


@router.put(f"{_TURN}/feedback", dependencies=_SERVING)
def rate(conversation_id: str, turn_id: str, asked: VoteInput, request: Request) -> OpinionsShown:
    """Vote on an answer; what is left out remains as it was. Each person has one vote on an answer."""
    values = asked.model_dump(exclude={"user"})
    feedback.rate(conversation_id, turn_id, author=_author(request, asked.user), **values)
    return OpinionsShown.of(feedback.of_turn(conversation_id, turn_id))


@router.post(f"{_TURN}/corrections", dependencies=_SERVING, status_code=201)
def correct(conversation_id: str, turn_id: str, asked: CorrectionInput, request: Request) -> CorrectionShown:
    """Propose a better answer: a candidate for a dataset, once a person accepts it."""
    author = _author(request, asked.user)
    return CorrectionShown.of(feedback.correct(conversation_id, turn_id, asked.text, author=author))


@router.get("/feedback", dependencies=_READING)
def list_feedback(agent: Agent = "", model: Model = "", offset: Offset = 0, limit: Limit = 50) -> VotePage:
    """The votes on an agent, a model or all answers, the last changed first."""
    found, (total, _, _) = feedback.latest(agent, model, offset, limit), feedback.tally(agent, model)
    return VotePage(data=[VoteShown.of(one) for one in found], total=total, next=_next(offset, len(found), total))


@router.post("/feedback/dataset", dependencies=_REVIEWING, status_code=201)
def make_dataset(asked: FeedbackDataset) -> GatheredShown:
    """Make a dataset, or the next version of one, of the accepted corrections that no dataset has."""
    values = asked.model_dump(exclude={"agent", "model"})
    return GatheredShown.of(feedback.make_dataset(agent_id=asked.agent, model_id=asked.model, **values))


@router.get("/corrections", dependencies=_READING)
def list_corrections(
    state: Literal["", "new", "accepted", "rejected"] = "",
    agent: Agent = "",
    model: Model = "",
    search: Annotated[str, Query(max_length=200)] = "",
    offset: Offset = 0,
    limit: Limit = 50,
) -> CorrectionPage:
    """The corrections in the order of their review, the oldest first."""
    found, counts = feedback.look_up(feedback.wanted(state, agent, model, search), offset, limit)
    total = counts[state] if state else sum(counts.values())
    data = [CorrectionShown.of(one) for one in found]
    return CorrectionPage(data=data, counts=counts, total=total, next=_next(offset, len(found), total))


@router.get("/corrections/{correction_id}", dependencies=_READING)
def get_correction(correction_id: str) -> CorrectionShown:
    """One correction with the conversation before it."""
    return CorrectionShown.of(feedback.get(correction_id))


@router.patch("/corrections/{correction_id}", dependencies=_REVIEWING)
def review(correction_id: str, asked: CorrectionChange, request: Request) -> CorrectionShown:
    """Edit, accept or reject a correction, or make it new again."""
    by = _author(request, asked.user)
    if asked.text is not None:
        feedback.edit(correction_id, asked.text, by=by)
    if asked.state is not None:
        feedback.decide(correction_id, asked.state, by=by, seen=asked.seen)
    return CorrectionShown.of(feedback.get(correction_id))


@router.delete("/corrections/{correction_id}", dependencies=_REVIEWING, status_code=204)
def delete_correction(correction_id: str) -> Response:
    """Delete a correction that is not part of a dataset."""
    feedback.remove(correction_id)
    return Response(status_code=204)


def _author(request: Request, user: str) -> str:
    """The name of the key, and of the person that a program speaks for."""
    key = caller_of(request)
    return " / ".join(name for name in (key.name if key else "", user) if name)


def _next(offset: int, found: int, total: int) -> int | None:
    end = offset + found
    return end if found and end < total else None
