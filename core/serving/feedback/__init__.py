"""Feedback on answers as rows: votes, and corrections that are candidates for a dataset."""

from __future__ import annotations

from core.serving.feedback.reasons import REASONS, VoteReason
from core.serving.feedback.records import STATES, AnswerSnapshot, CorrectionRecord, VoteRecord

__all__ = ["REASONS", "STATES", "AnswerSnapshot", "CorrectionRecord", "VoteReason", "VoteRecord"]
