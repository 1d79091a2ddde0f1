"""The settings of a run as a user enters them, and the frozen spec that a worker runs."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, get_origin

from pydantic import BaseModel, ConfigDict, Field

from core.models.methods.base import setting

AUTO: Final = "auto"
Auto = Literal["auto"]
SAFETY: Final = "Stopping and keeping"  # the heading of a group of settings in a form


class TrainingConfig(BaseModel):
    """The general settings of a run. `core.training.jobs.resolve` resolves *auto* and gives the source of each
    number."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    num_epochs: Annotated[int, Field(ge=1, le=1000)] | Auto = setting(
        default=AUTO,
        title="Epochs",
        description="How many times the run goes through all training examples.",
        usual="1-5 on large models; about 100 on the starter",
        up="Facts are learned better, then memorized word for word, then at the expense of everything else. The "
        "run takes longer.",
        source="3 in general (2 from 1,000 examples on, 1 from 5,000 on); a preset of the base model or the method may "
        "raise it",
        extra={"flag": "--epochs"},
    )
    per_device_batch_size: Annotated[int, Field(ge=1, le=256)] | Auto = setting(
        default=AUTO,
        title="Batch size",
        description="How many examples go through the model at once. Auto: the first steps measure which "
        "number, of those that fit in memory, is fastest; the result is the same up to rounding.",
        unit="examples",
        usual="1-16",
        up="Faster on a GPU, steadier gradients, more memory.",
        source="preset of the base model or the method; else 2 (as Unsloth, LLaMA-Factory, Axolotl and AutoTrain)",
        extra={"flag": "--batch-size"},
    )
    gradient_accumulation_steps: Annotated[int, Field(ge=1, le=256)] | Auto = setting(
        default=AUTO,
        title="Gradient accumulation",
        description="Batches accumulated per optimizer step.",
        unit="batches",
        usual="1-8",
        up="Like a larger batch without its memory; fewer, steadier steps.",
        source="preset of the base model or the method; else what brings batch x accumulation to 8 (Unsloth: 4)",
    )
    learning_rate: Annotated[float, Field(gt=0, le=0.1)] | Auto = setting(
        default=AUTO,
        title="Learning rate",
        description="How far the weights move in one step.",
        usual="1e-4 to 3e-4 for LoRA, 1e-5 to 5e-5 for full fine-tuning; 2e-3 on the starter",
        up="Faster learning, until training diverges.",
        source="preset of the base model or the method (2e-4 for LoRA as in Unsloth and Axolotl; full 2e-5)",
        extra={"other_flags": ["--lr"]},
    )
    lr_scheduler_type: Literal["linear", "cosine", "constant"] = setting(
        default="linear",
        title="Learning rate schedule",
        description="How the learning rate falls after the warm-up: in a straight line, in a curve, or not at all.",
        usual="linear or cosine",
        up="Constant learns at full speed to the end; linear and cosine converge.",
        source="linear, as in Unsloth and AutoTrain (LLaMA-Factory, H2O and Axolotl: cosine)",
    )
    warmup_ratio: Annotated[float, Field(ge=0.0, le=0.5)] = setting(
        default=0.1,
        title="Warm-up",
        description="Share of the steps in which the learning rate climbs from zero.",
        unit="share of the steps",
        usual="0-0.1",
        up="A gentler start, less time at the full learning rate.",
        source="0.1, as in Unsloth, AutoTrain and Axolotl (LLaMA-Factory and H2O: 0)",
    )
    weight_decay: Annotated[float, Field(ge=0.0, le=1.0)] = setting(
        default=0.0,
        title="Weight decay",
        description="Pulls the trained weights slightly toward zero in every step.",
        usual="0-0.1",
        up="Less overfitting, weaker facts.",
        source="0: transformers' own default",
    )
    max_grad_norm: Annotated[float, Field(gt=0.0, le=100.0)] = setting(
        default=1.0,
        title="Gradient clipping",
        description="Gradients with a larger norm are scaled down to it, so that one unusual batch cannot ruin the "
        "run.",
        unit="norm",
        usual="0.3-1.0",
        up="Less clipping: faster, and less protection.",
        source="1.0: transformers' own default",
    )
    max_seq_length: Annotated[int, Field(ge=64, le=131_072)] | Auto = setting(
        default=AUTO,
        title="Maximum length",
        description="Longer examples do not fit; the forecast shows how many there are and what happens to them.",
        unit="tokens",
        usual="512-4,096",
        up="Longer chats fit completely; more memory is needed.",
        source="the length of the longest example, at most 2,048 (as in Unsloth, LLaMA-Factory and AutoTrain) and "
        "at most the context length of the base model",
    )
    over_length: Literal["truncate", "drop", "stop"] = setting(
        default="truncate",
        title="Longer examples",
        description="Truncate: cut off at the end; an example that would lose its entire output is left out. Drop: "
        "left out. Stop: the job does not start while there are any.",
        usual="truncate",
        up="Drop learns only complete outputs; stop makes sure that nothing is lost unnoticed.",
        source="truncate, as TRL, Unsloth and LLaMA-Factory do",
    )
    on_refusal: Literal["stop", "leave_out", "merge_system"] = setting(
        default="stop",
        title="Examples that the chat template refuses",
        description="Some chat templates accept no system text, no tool calls, or only alternating turns. Stop: the "
        "job does not start while there are any. Leave out: they are not trained on. Merge system: their system "
        "text goes in front of the first input; what is refused even then is left out.",
        usual="stop; merge_system for base models without system text",
        up="Leave out loses examples. Merge system keeps them, and Chat puts the system text into the first input too.",
        source="stop, so that nothing is lost unseen",
        extra={
            "needs": "refusals",
            "labels": {
                "stop": "Refuse the job",
                "leave_out": "Leave them out",
                "merge_system": "Put the system text into the first input",
            },
        },
    )
    gradient_checkpointing: Literal["auto", "on", "off"] = setting(
        default="auto",
        title="Gradient checkpointing",
        description="Recomputes activations in the backward pass instead of storing them. Auto: for models of more "
        "than 500 million parameters.",
        usual="auto; off where memory allows",
        up="On: much less memory for activations, but each step takes about a third longer.",
        source="auto: below 500 million parameters it costs time and saves little memory",
    )
    precision: Literal["auto", "fp32", "bf16"] = setting(
        default="auto",
        title="Precision",
        description="How many bits the base model computes with: 32 (fp32) or 16 (bf16). Adapters, the optimizer and "
        "checkpoints are fp32 either way; full fine-tuning on a CPU rounds its fp32 weights for each product. On a "
        "CPU, auto uses bf16 only if the processor has instructions for it and a few steps of this base model are "
        "faster in it.",
        usual="auto",
        up="bf16: half the memory for weights and activations; faster on GPUs and on CPUs with avx512_bf16 or AMX, "
        "many times slower on other CPUs.",
        source="auto: a GPU computes in bf16, a CPU in whichever was measured to be faster",
        extra={"labels": {"auto": "Auto (recommended)", "fp32": "fp32 (32 bits)", "bf16": "bf16 (16 bits)"}},
    )
    eval_every_steps: Annotated[int, Field(ge=1, le=100_000)] | Auto = setting(
        default=AUTO,
        title="Validate every",
        description="Steps between two measurements of the validation loss (if there are validation examples).",
        unit="steps",
        usual="auto",
        up="A coarser validation curve, and less time spent on it.",
        source="a twentieth of the run; less often, and on fewer examples, where validations would take more than 7 % "
        "of the time in steps. A number that you choose is obeyed, with every example",
    )
    save_every_steps: Annotated[int, Field(ge=1, le=100_000)] | Auto = setting(
        default=AUTO,
        title="Checkpoint every",
        description="Steps between two checkpoints. An interrupted run resumes from the last one.",
        unit="steps",
        usual="auto",
        up="Less writing, more work lost in a crash.",
        source="a twentieth of the run or 10 minutes, whatever is shorter; less often where checkpoints would take "
        "more than 2 % of the time in steps. A number that you choose is obeyed",
    )
    stop_when_diverging: bool = setting(
        default=True,
        title="Stop when the loss diverges",
        description="Stops a run whose smoothed training loss is far above its start, or far above its lowest value, "
        "for 20 steps. The last good checkpoint is saved.",
        usual="on",
        up="Off: only a loss of NaN ends the run.",
        source="on: nothing is learned after that, and every step costs time",
        extra={"group": SAFETY},
    )
    keep_best: bool = setting(
        default=False,
        title="Keep the best checkpoint",
        description="The final model is the one with the lowest validation loss instead of the last step. Needs "
        "validation examples.",
        usual="on if a run is long enough to memorize the examples",
        up="On: stores one more checkpoint, and writes it at each new lowest validation loss.",
        source="off: facts that must come out word for word are learned best at the last step",
        extra={"group": SAFETY, "needs": "validation"},
    )
    early_stopping_patience: Annotated[int, Field(ge=0, le=100)] = setting(
        default=0,
        title="Early stopping",
        description="Stops the run when the validation loss has not improved for this many evaluations in a row; 0 "
        "turns it off. Needs validation examples.",
        unit="measurements; 0 is off",
        usual="3-5; 0 for off",
        up="Waits longer for a lower loss before it stops.",
        source="off: whether a run may end early is your decision",
        extra={"group": SAFETY, "needs": "validation", "widget": "number", "labels": {"0": "off"}},
    )
    early_stopping_min_improvement: Annotated[float, Field(ge=0.0, le=10.0)] = setting(
        default=0.0,
        title="Minimum improvement",
        description="How much the validation loss must fall to count as an improvement.",
        unit="loss",
        usual="0-0.01",
        up="Small improvements do not count, so the run stops sooner.",
        source="0: every improvement counts, as in transformers",
        extra={"group": SAFETY, "needs": "validation", "when": {"early_stopping_patience": list(range(1, 101))}},
    )
    sample_answers: Annotated[int, Field(ge=0, le=5)] = setting(
        default=3,
        title="Sample answers",
        description="How many inputs are answered before the first step, at evaluations and at the end, so that you "
        "see the model learn: one that is trained on, the others held out (all are trained on if nothing is held out). "
        "Evaluations are skipped if this would take more than 3 % of the run's time.",
        unit="inputs",
        usual="3",
        up="More to compare, and slightly more time at every evaluation. 0 answers none.",
        source="3: enough to see the trend",
    )
    sample_prompts: Annotated[list[Annotated[str, Field(min_length=1, max_length=500)]], Field(max_length=5)] = setting(
        default=[],
        title="Your own sample inputs",
        description="Extra inputs for the model to answer at every evaluation, one per line.",
        usual="none, or a question that is not in the dataset",
        up="Slightly more time at every evaluation. At most 5, of 500 characters each.",
        source="none",
        extra={"widget": "lines"},
    )
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = setting(
        default=42,
        title="Seed",
        description="The same seed, data and settings give the same run on the same machine.",
        usual="any",
        up="Nothing: it only selects the random numbers.",
        source="42 by convention",
    )
    completion_only_loss: bool = setting(
        default=True,
        title="Learn from the outputs only",
        description="The loss is computed only on the assistant's text; inputs are read, not imitated.",
        usual="on",
        up="Off: the model also learns to write like the users.",
        source="on: the output is what the model should write",
    )


class ResolvedTraining(TrainingConfig):
    """The same settings as plain numbers, with the arithmetic of the run. A step is an optimizer step.

    Only what differs is listed: settings that may be *auto* are numbers here, and a frozen spec that lacks a setting
    (because it is older) means what jobs did then. `precision` may remain *auto*: the worker settles it on its machine.
    `steps_per_epoch` = ceil(train examples / effective batch size); `total_steps` = epochs x steps per epoch.
    """

    num_epochs: int
    per_device_batch_size: int
    gradient_accumulation_steps: int
    learning_rate: float
    max_seq_length: int
    eval_every_steps: int
    save_every_steps: int
    sample_answers: int = 0  # older jobs answer none
    # chosen by *auto*: done less often than their steps say if time requires it; older jobs did not
    validation_follows_time: bool = False
    checkpoints_follow_time: bool = False
    largest_batch: int = 0  # the first steps try up to so many examples at once; 0: `per_device_batch_size` is used
    steps_per_epoch: int
    total_steps: int

    @property
    def effective_batch_size(self) -> int:
        return self.per_device_batch_size * self.gradient_accumulation_steps

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        """The numbers of examples at once that the first steps try, smallest first; each divides a step's examples."""
        sizes = [self.per_device_batch_size]
        while 2 * sizes[-1] <= self.largest_batch and self.effective_batch_size % (2 * sizes[-1]) == 0:
            sizes.append(2 * sizes[-1])
        return tuple(sizes)

    def with_batch(self, size: int) -> ResolvedTraining:
        """The same steps with so many examples at once, and nothing to try."""
        accumulation = self.effective_batch_size // size
        changes = {"per_device_batch_size": size, "gradient_accumulation_steps": accumulation, "largest_batch": 0}
        return self.model_copy(update=changes)

    @classmethod
    def elsewhere(cls, epochs: int) -> ResolvedTraining:
        """Of a run whose settings are a service's own (`HostedChoice`): only the number of epochs is known, 0 if the
        service chooses it."""
        return cls(
            num_epochs=epochs,
            per_device_batch_size=0,
            gradient_accumulation_steps=0,
            learning_rate=0.0,
            max_seq_length=0,
            eval_every_steps=0,
            save_every_steps=0,
            steps_per_epoch=0,
            total_steps=0,
        )

    @property
    def warmup_steps(self) -> int:
        return round(self.total_steps * self.warmup_ratio)


def _without_bounds(model: type[BaseModel]) -> None:
    """Let a model read any number or name: a spec was validated at launch, and bounds may have become tighter since."""
    for field in model.model_fields.values():
        field.metadata = []
        if get_origin(field.annotation) is Literal:
            field.annotation = str
    model.model_rebuild(force=True)


_without_bounds(ResolvedTraining)


class HostedChoice(BaseModel):
    """What a job that is trained at a hosted service depends on besides its dataset, frozen at launch.

    `hyperparameters` have the service's own names; one that is left out is chosen there. `host` is where the examples
    go.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    connection_id: str
    connection: str  # its name at launch
    service: str  # an id of HOSTED_SERVICES
    host: str
    base_title: str = ""
    hyperparameters: dict[str, Any] = Field(default_factory=dict)
    seed: int | None = None


class JobSpec(BaseModel):
    """Everything a run depends on, frozen at launch: a retry uses the same spec, changed settings create a new job."""

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
    training_sources: dict[str, str]  # setting -> the source of its value, as text
    training_config: dict[str, Any] = Field(default_factory=dict)  # as entered, with its autos: for "run again"
    engine: str = "trl"
    engine_asked: str = "trl"  # "auto", or the engine that the user named
    engine_reason: str = ""  # why this one was chosen
    parent_job_id: str | None = None
    hosted: HostedChoice | None = None  # None: it is trained here
