"""The studio's own limits and defaults that the explainer quotes, so that no number is typed a second time."""

from __future__ import annotations

from dataclasses import dataclass

from core.data.formats import labels
from core.data.quality.set_rules import MINIMUM_EXAMPLES, RECOMMENDED_EXAMPLES
from core.models.base_models.starter import STARTER_RECIPE
from core.models.methods.lora import LoRA
from core.settings import MAX_UPLOAD_BYTES, get_settings
from core.training.jobs.spec import TrainingConfig


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a new studio uses. `starter_width` is the hidden size, `starter_tokens` the size of the vocabulary."""

    minimum_examples: int
    recommended_examples: int
    max_upload_bytes: int
    max_upload_mb: int
    file_types: str  # "CSV, JSON or Excel"
    lora_rank: int
    lora_alpha: int
    warmup_ratio: float
    starter_layers: int
    starter_width: int
    starter_tokens: int
    data_dir_name: str


def defaults() -> Defaults:
    """The limits and defaults of this studio."""
    shape = STARTER_RECIPE["model"]
    return Defaults(
        minimum_examples=MINIMUM_EXAMPLES,
        recommended_examples=RECOMMENDED_EXAMPLES,
        max_upload_bytes=MAX_UPLOAD_BYTES,
        max_upload_mb=MAX_UPLOAD_BYTES // 2**20,
        file_types=labels(),
        lora_rank=LoRA.model_fields["rank"].default,
        lora_alpha=LoRA.model_fields["alpha"].default,
        warmup_ratio=TrainingConfig.model_fields["warmup_ratio"].default,
        starter_layers=shape["num_hidden_layers"],
        starter_width=shape["hidden_size"],
        starter_tokens=shape["vocab_size"],
        data_dir_name=get_settings().data_dir.name,
    )
