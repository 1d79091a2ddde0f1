"""Evaluations with their answers, and the verdicts on models"""

from __future__ import annotations

from core.platform.db.creation import create_table

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_table(
        "evaluations",
        "id task_id name dataset_id dataset_name dataset_version_id split models:json metrics:json settings:json "
        "summary:json created_at:float archived_at:float?",
        index=["task_id", "dataset_id", "created_at"],
    )
    create_table(
        "evaluation_answers",
        "id:int evaluation_id model_id suite position:int repeat:int answer:text error:text finish_reason "
        "prompt_tokens:int tokens:int seconds:float scores:json logprob:float? expected_tokens:int created_at:float",
        refers={"evaluation_id": "evaluations"},
        unique=["evaluation_id model_id suite position repeat"],
        index=["evaluation_id"],
    )
    create_table(
        "verdicts",
        "id candidate_id parent_id evaluation_id decision reasons:json override:json created_at:float",
        refers={"evaluation_id": "evaluations"},
        index=["candidate_id", "evaluation_id"],
    )
