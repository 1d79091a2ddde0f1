"""What a job was asked to do: the settings of a run as typed by a person, and the frozen spec that a worker obeys."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from core.models.methods.base import facts

AUTO: Final = "auto"
Auto = Literal["auto"]
SAFETY: Final = "Stopping and keeping"  # a form draws the settings of a group under this heading


class TrainingConfig(BaseModel):
    """The general settings of a run. *auto* is resolved by `core.training.jobs.resolve`, which says where each number
    came from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    num_epochs: Annotated[int, Field(ge=1, le=1000)] | Auto = Field(
        default=AUTO,
        title="Epochs",
        description="How many times the run goes through all training examples.",
        json_schema_extra=facts(
            unit="",
            usual="1-5 on large models; about 100 on the starter",
            up="Facts are learnt more firmly, then word for word, then at the price of all else. Time grows along.",
            source="preset of the base model or the method; else 3 below 1,000 examples, 2 below 5,000, then 1",
        ),
    )
    per_device_batch_size: Annotated[int, Field(ge=1, le=256)] | Auto = Field(
        default=AUTO,
        title="Batch size",
        description="How many examples go through the model at once.",
        json_schema_extra=facts(
            unit="examples",
            usual="1-16",
            up="Faster on a GPU, steadier gradients, more memory.",
            source="preset of the base model or the method; else 2 (as Unsloth, LLaMA-Factory, Axolotl and AutoTrain)",
        ),
    )
    gradient_accumulation_steps: Annotated[int, Field(ge=1, le=256)] | Auto = Field(
        default=AUTO,
        title="Gradient accumulation",
        description="How many batches are added up before the weights move once (one step).",
        json_schema_extra=facts(
            unit="batches",
            usual="1-8",
            up="Acts like a larger batch without its memory; fewer, steadier steps.",
            source="preset of the base model or the method; else what brings batch x accumulation to 8 (Unsloth: 4)",
        ),
    )
    learning_rate: Annotated[float, Field(gt=0, le=0.1)] | Auto = Field(
        default=AUTO,
        title="Learning rate",
        description="How far the weights move in one step.",
        json_schema_extra=facts(
            unit="",
            usual="1e-4 to 3e-4 for LoRA, 1e-5 to 5e-5 for full fine-tuning; 2e-3 on the starter",
            up="Faster learning, until the loss jumps and the model falls apart.",
            source="preset of the base model or the method (2e-4 for LoRA as Unsloth and Axolotl ship it; full 2e-5)",
        ),
    )
    lr_scheduler_type: Literal["linear", "cosine", "constant"] = Field(
        default="linear",
        title="Learning rate schedule",
        description="How the learning rate falls after the warm-up: in a line, in a curve, or not at all.",
        json_schema_extra=facts(
            unit="",
            usual="linear or cosine",
            up="Constant keeps learning to the end; linear and cosine settle down.",
            source="linear, as Unsloth and AutoTrain ship it (LLaMA-Factory, H2O and Axolotl cosine)",
        ),
    )
    warmup_ratio: float = Field(
        default=0.1,
        ge=0.0,
        le=0.5,
        title="Warm-up",
        description="Share of the steps in which the learning rate climbs from zero.",
        json_schema_extra=facts(
            unit="share of the steps",
            usual="0-0.1",
            up="A gentler start, less time at full speed.",
            source="0.1, as Unsloth, AutoTrain and Axolotl ship it (LLaMA-Factory and H2O 0)",
        ),
    )
    weight_decay: float = Field(
        default=0.0,
        ge=0.0,
        le=1.0,
        title="Weight decay",
        description="Pulls the trained weights towards zero a little in every step.",
        json_schema_extra=facts(
            unit="",
            usual="0-0.1",
            up="Less overfitting, weaker facts.",
            source="0: transformers' own default",
        ),
    )
    max_grad_norm: float = Field(
        default=1.0,
        gt=0.0,
        le=100.0,
        title="Gradient clipping",
        description="Gradients longer than this are shortened to it, so that one odd batch cannot ruin the run.",
        json_schema_extra=facts(
            unit="norm",
            usual="0.3-1.0",
            up="Rarer clipping: faster, and less protected.",
            source="1.0: transformers' own default",
        ),
    )
    max_seq_length: Annotated[int, Field(ge=64, le=131_072)] | Auto = Field(
        default=AUTO,
        title="Maximum length",
        description="Longer examples do not fit; the forecast says how many those are and what becomes of them.",
        json_schema_extra=facts(
            unit="tokens",
            usual="512-4,096",
            up="Longer chats fit whole; memory grows along.",
            source="as long as the longest example needs, at most 2,048 (Unsloth, LLaMA-Factory and AutoTrain "
            "ship 2,048) and at most what the base model can read",
        ),
    )
    over_length: Literal["truncate", "drop", "stop"] = Field(
        default="truncate",
        title="Longer examples",
        description="Truncate: cut off at the end; one that would lose its whole output is left out. Drop: left out. "
        "Stop: the job is refused while there are any.",
        json_schema_extra=facts(
            unit="",
            usual="truncate",
            up="Drop learns whole outputs only; stop makes sure that nothing is lost unseen.",
            source="truncate, as TRL, Unsloth and LLaMA-Factory do",
        ),
    )
    gradient_checkpointing: Literal["auto", "on", "off"] = Field(
        default="auto",
        title="Gradient checkpointing",
        description="Computes what the forward pass found a second time instead of keeping it in memory. Auto: for "
        "models of more than 500 million parameters.",
        json_schema_extra=facts(
            unit="",
            usual="auto; off where memory allows",
            up="On: much less memory for activations, and each step takes about a third longer.",
            source="auto: below 500 million parameters the time is lost and little memory is won",
        ),
    )
    eval_every_steps: Annotated[int, Field(ge=1, le=100_000)] | Auto = Field(
        default=AUTO,
        title="Validate every",
        description="Steps between two measurements of the validation loss (where there are validation examples).",
        json_schema_extra=facts(
            unit="steps",
            usual="20 measurements in a run",
            up="A coarser validation curve, less time spent on it.",
            source="a twentieth of the run",
        ),
    )
    save_every_steps: Annotated[int, Field(ge=1, le=100_000)] | Auto = Field(
        default=AUTO,
        title="Checkpoint every",
        description="Steps between two checkpoints. A run that is interrupted goes on from the last one.",
        json_schema_extra=facts(
            unit="steps",
            usual="10-20 checkpoints in a run",
            up="Less writing, more to do again after a crash.",
            source="a twentieth of the run",
        ),
    )
    stop_when_diverging: bool = Field(
        default=True,
        title="Stop when the loss runs away",
        description="Stops a run whose smoothed training loss stays far above where it began, or loses most of what "
        "was learnt, for 20 steps. The last good checkpoint is kept.",
        json_schema_extra=facts(
            unit="",
            usual="on",
            up="Off: only a loss that is no number (NaN) ends the run.",
            source="on: nothing is learnt after that, and every step costs time",
        )
        | {"group": SAFETY},
    )
    keep_best: bool = Field(
        default=False,
        title="Keep the best checkpoint",
        description="The model at the end is that of the lowest validation loss instead of the last step. Needs "
        "validation examples.",
        json_schema_extra=facts(
            unit="",
            usual="on where a run is long enough to learn by heart",
            up="On: one more checkpoint is kept on disk, and one is written at each new lowest loss.",
            source="off: facts that must come out word for word are learnt best by the last step",
        )
        | {"group": SAFETY, "needs": "validation"},
    )
    early_stopping_patience: int = Field(
        default=0,
        ge=0,
        le=100,
        title="Early stopping",
        description="Stops the run when the validation loss has not fallen in so many measurements in a row; 0 never "
        "does. Needs validation examples.",
        json_schema_extra=facts(
            unit="measurements; 0 is off",
            usual="3-5; 0 for off",
            up="Waits longer for a lower loss before it gives up.",
            source="off: whether a run may end early is yours to say",
        )
        | {"group": SAFETY, "needs": "validation", "widget": "number", "labels": {"0": "off"}},
    )
    early_stopping_min_improvement: float = Field(
        default=0.0,
        ge=0.0,
        le=10.0,
        title="Least improvement",
        description="How much lower than before the validation loss must be to count as an improvement.",
        json_schema_extra=facts(
            unit="loss",
            usual="0-0.01",
            up="Small gains no longer count, so the run stops sooner.",
            source="0: every gain counts, as in transformers",
        )
        | {"group": SAFETY, "needs": "validation", "when": {"early_stopping_patience": list(range(1, 101))}},
    )
    sample_answers: int = Field(
        default=3,
        ge=0,
        le=5,
        title="Sample answers",
        description="How many inputs from the validation examples (from the training examples where nothing is held "
        "out) are answered before the first step, at evaluations and at the end, so that you see the model learn. "
        "Where that would take more than a twentieth of the run's time, evaluations are passed over.",
        json_schema_extra=facts(
            unit="inputs",
            usual="3",
            up="More to compare, and a little more time at every evaluation. 0 answers none.",
            source="3: enough to see the trend",
        ),
    )
    sample_prompts: list[Annotated[str, Field(min_length=1, max_length=500)]] = Field(
        default=[],
        max_length=5,
        title="Your own sample inputs",
        description="Inputs of your own that are answered at every evaluation too, one a line.",
        json_schema_extra=facts(
            unit="",
            usual="none, or a question that the dataset does not hold",
            up="A little more time at every evaluation. At most 5 of 500 characters each.",
            source="none",
        )
        | {"widget": "lines"},
    )
    seed: int = Field(
        default=42,
        ge=0,
        le=2**31 - 1,
        title="Seed",
        description="The same seed, data and settings give the same run on the same machine.",
        json_schema_extra=facts(unit="", usual="any", up="Nothing: it is a name, not a size.", source="42 by custom"),
    )
    completion_only_loss: bool = Field(
        default=True,
        title="Learn from the outputs only",
        description="The loss falls on the assistant's words alone; inputs are read and not imitated.",
        json_schema_extra=facts(
            unit="",
            usual="on",
            up="Off: the model also learns to write like the people who ask.",
            source="on: what is asked for is the output",
        ),
    )


class ResolvedTraining(TrainingConfig):
    """The same settings as plain numbers, with the arithmetic of the run. A step is an optimizer step.

    Only what differs is listed: settings that may be *auto* are numbers here, and a frozen spec that lacks a setting
    (because it is older) means what jobs did then. `steps_per_epoch` = ceil(train examples / effective batch size);
    `total_steps` = epochs x steps per epoch.
    """

    num_epochs: int
    per_device_batch_size: int
    gradient_accumulation_steps: int
    learning_rate: float
    max_seq_length: int
    eval_every_steps: int
    save_every_steps: int
    sample_answers: int = 0  # older jobs answer none
    steps_per_epoch: int
    total_steps: int

    @property
    def effective_batch_size(self) -> int:
        return self.per_device_batch_size * self.gradient_accumulation_steps

    @property
    def warmup_steps(self) -> int:
        return round(self.total_steps * self.warmup_ratio)


class JobSpec(BaseModel):
    """Everything a run depends on, frozen at launch: a retry obeys the same spec, changed settings make a new job."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset_id: str
    dataset_version_id: str
    dataset_sha256: str
    provider: str = "local"
    base_model: str
    base_revision: str = ""
    method: str
    method_config: dict[str, Any]
    training: ResolvedTraining
    training_sources: dict[str, str]  # setting -> where its number came from, in words
    training_config: dict[str, Any] = Field(default_factory=dict)  # as asked for, with its autos: for "run again"
    engine: str = "trl"
    engine_asked: str = "trl"  # "auto", or an engine that was asked for by name
    engine_reason: str = ""  # why it became this one, in words
    parent_job_id: str | None = None
