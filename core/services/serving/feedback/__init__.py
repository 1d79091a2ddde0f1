"""What people think of answers: votes, corrections and their review, and datasets made of them."""

from __future__ import annotations

from core.services.serving.feedback.candidates import (
    correct,
    counts,
    decide,
    edit,
    get,
    look_up,
    remove,
    waiting,
    wanted,
)
from core.services.serving.feedback.exporting import FORMATS, exported
from core.services.serving.feedback.gathering import FeedbackPlan, Gathered, datasets_made, make_dataset, plan
from core.services.serving.feedback.opinions import (
    Opinions,
    answering_models,
    is_there,
    judged_models,
    of_conversation,
    of_turn,
)
from core.services.serving.feedback.rating import MAX_COMMENT, latest, rate, tally
from core.serving.feedback import REASONS, STATES, AnswerSnapshot, CorrectionRecord, VoteReason, VoteRecord

__all__ = [
    "MAX_COMMENT",
    "REASONS",
    "STATES",
    "AnswerSnapshot",
    "CorrectionRecord",
    "FeedbackPlan",
    "Gathered",
    "Opinions",
    "VoteReason",
    "VoteRecord",
    "answering_models",
    "correct",
    "counts",
    "decide",
    "edit",
    "get",
    "latest",
    "look_up",
    "make_dataset",
    "of_conversation",
    "of_turn",
    "plan",
    "rate",
    "remove",
    "tally", "waiting",
    "wanted",
]  # fmt: skip
