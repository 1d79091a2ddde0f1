"""baseline"""

from __future__ import annotations

from core.platform.db.creation import create_table

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_table(
        "background_tasks",
        "id kind title queue payload:json idempotency_key? after_task_id? state reason attempt:int crashes:int "
        "lease_owner? lease_expires_at:float? lease_epoch:int lease_allowance_s:float command command_at:float? "
        "progress:float phase message:text error:json result:json announced_at:float? created_at:float "
        "started_at:float? finished_at:float? updated_at:float",
        unique=["idempotency_key"],
        index=["after_task_id", "created_at", "kind", "state queue"],
    )
    create_table(
        "calibrations",
        "key device tokens_per_s:float overhead_s:float peak_memory_bytes:bigint details:json created_at:float",
    )
    create_table(
        "drafts",
        "id kind step state:json revision:int result_id? created_at:float updated_at:float",
        index=["kind"],
    )
    create_table(
        "fine_tuning_datasets",
        "id name description:text state current_version_id? origin created_at:float updated_at:float deleted_at:float?",
        index=["name"],
    )
    create_table(
        "sources",
        "id filename sha256 size_bytes:bigint format encoding detection:json path created_at:float",
        index=["sha256"],
    )
    create_table(
        "dataset_versions",
        "id dataset_id number:int path examples_sha256 examples:int train_examples:int validation_examples:int "
        "size_bytes:bigint manifest:json parents:json created_at:float",
        refers={"dataset_id": "fine_tuning_datasets"},
        unique=["dataset_id number"],
        index=["dataset_id"],
    )
    create_table(
        "fine_tuning_events",
        "id:int task_id kind level message:text data:json created_at:float",
        refers={"task_id": "background_tasks"},
        index=["created_at", "task_id"],
    )
    create_table(
        "training_examples",
        "id dataset_id messages:json origin version_id? created_at:float",
        refers={"dataset_id": "fine_tuning_datasets"},
        index=["dataset_id"],
    )
    create_table(
        "fine_tuning_jobs",
        "id name description:text task_id dataset_id dataset_version_id provider base_model method spec:json "
        "draft_key? parent_job_id? provider_job_id? forecast:json measured:json created_at:float",
        refers={
            "dataset_id": "fine_tuning_datasets",
            "dataset_version_id": "dataset_versions",
            "task_id": "background_tasks",
        },
        unique=["draft_key", "task_id"],
        index=["dataset_id", "name"],
    )
    create_table(
        "fine_tuned_models",
        "id name job_id dataset_id base_model method state version:int final_loss:float? path size_bytes:bigint "
        "manifest:json provider_model_id? notes:text created_at:float",
        refers={"dataset_id": "fine_tuning_datasets", "job_id": "fine_tuning_jobs"},
        unique=["job_id", "name"],
    )
    create_table(
        "metric_points",
        "id:int job_id split step:int epoch:float loss:float learning_rate:float? grad_norm:float? tokens:bigint "
        "tokens_per_s:float? memory_bytes:bigint? created_at:float",
        refers={"job_id": "fine_tuning_jobs"},
        unique=["job_id step split"],
        index=["job_id"],
    )
