"""Evaluation: models answer the same questions, their answers become figures, and figures become a verdict."""

from __future__ import annotations

from core.services.serving.evaluating.contestants import find as find_model
from core.services.serving.evaluating.costs import EvaluationCost
from core.services.serving.evaluating.listing import (
    LISTING,
    archive,
    delete,
    dependents,
    look_up,
    newest,
    rename,
    restore,
)
from core.services.serving.evaluating.reading import (
    AnsweredQuestion,
    BoardRow,
    answer_counts,
    boards,
    cases,
    leaderboard,
    matrix,
    seconds_of,
)
from core.services.serving.evaluating.reports import (
    AnsweredExample,
    BaseAndTuned,
    GradedField,
    GradedQuestion,
    PartReport,
    answered_right,
    newest_report,
    report,
)
from core.services.serving.evaluating.starting import KIND, EvaluationResult, estimate, start, unasked
from core.serving.evaluation import EVALUATION_METRICS, ConfusionMatrix, EvaluationMetric, Score
from core.serving.evaluation.agreement import FEWEST_RATINGS, JudgeCalibration, JudgedPairs
from core.serving.evaluation.custom import CUSTOM_KINDS
from core.serving.evaluation.suites import SUITES, Suite
from core.serving.evaluations.records import (
    DECISIONS,
    AnswerRecord,
    Contestant,
    EvaluationRecord,
    EvaluationSettings,
    ModelSummary,
    Summary,
    VerdictReason,
    VerdictRecord,
)
from core.serving.evaluations.store import get
