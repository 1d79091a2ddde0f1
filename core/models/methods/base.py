"""What a fine-tuning method is: typed settings, plain data for the worker, and the texts of its card.

A method is a frozen pydantic model. Its fields are defined once: forms, the API schema and the explainer are built
from them. The worker builds the heavy objects from `peft_arguments()` and `load_arguments()`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Container, Mapping
from typing import Any, ClassVar, Final, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from core.models.methods.presets import Preset, SizeClass, size_class

MethodColor = Literal["blue", "green", "violet", "yellow", "orange", "gray"]


class ModelShape(Protocol):
    """What a method needs to know about a base model to count what it trains."""

    @property
    def params(self) -> int: ...
    @property
    def num_layers(self) -> int: ...
    @property
    def hidden_size(self) -> int: ...
    @property
    def vocab_size(self) -> int: ...
    @property
    def kv_size(self) -> int:
        """Width of the keys (and of the values) of one token in one layer."""

    def linear_shapes(self) -> list[tuple[str, int, int]]:
        """Every linear layer of the transformer blocks as (module name, in features, out features)."""


def setting(
    *,
    usual: str,
    up: str,
    source: str,
    unit: str = "",
    note: str = "",
    extra: Mapping[str, Any] | None = None,
    **field: Any,
) -> Any:
    """A pydantic field with the documentation that pydantic has no parameters for.

    Args:
        usual: the usual range.
        up: the effect of a higher value.
        source: where the default comes from.
        unit: of the value, or "" if it has none.
        note: the usual range and the studio's default with its reason in a few words; a form shows it below the field.
        extra: how a form shows it, for example `when` or `labels`; `flag`: its option on the command line.
        field: everything else is passed to pydantic's `Field`.
    """
    facts = {"unit": unit, "usual": usual, "up": up, "source": source} | ({"note": note} if note else {})
    return Field(**field, json_schema_extra=facts | dict(extra or {}))


def dropout_setting(of: str, source: str) -> Any:
    """The dropout of an adapter's own layers.

    Args:
        of: the one whose inputs it is, for the description.
    """
    return setting(
        default=0.0,
        ge=0.0,
        le=0.5,
        title="Dropout",
        description=f"Share of {of} inputs that are set to zero at random in each step. "
        "Prevents overfitting (0.0-0.3 recommended).",
        unit="share",
        usual="0.0-0.3",
        note="0 to 0.3 · default 0: facts come out word for word",
        up="Less memorization, slower learning. Use 0 for facts that must come out word for word.",
        source=source,
        extra={"usual_range": [0.0, 0.3]},
    )


class Method(BaseModel):
    """Base of every method; subclasses are registered in `core/models/methods/__init__.py`, one line each."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: ClassVar[str]
    title: ClassVar[str]
    badge: ClassVar[str]
    color: ClassVar[MethodColor]  # on every screen that names it
    icon: ClassVar[str]  # a bundled Material icon, e.g. ":material/bolt:"
    tagline: ClassVar[str]
    claims: ClassVar[tuple[str, ...]]
    recommended: ClassVar[bool] = False
    mergeable: ClassVar[bool]  # can be merged into the base's weights
    gguf: ClassVar[bool]  # the result can become a GGUF file (by itself, or after merging)
    how: ClassVar[str]  # how it works, for the explainer
    serves: ClassVar[str]  # where the result can be served, for the explainer
    peft_type: ClassVar[str | None] = None  # PEFT's name of the adapter type (`LORA`); None trains the base's weights
    tuner: ClassVar[str] = ""  # worker module whose `register()` teaches PEFT this type, where PEFT does not ship it
    packs: ClassVar[bool] = True  # several examples can share a row of a batch
    recomputes: ClassVar[bool] = True  # activations can be recomputed instead of stored (gradient checkpointing)
    presets: ClassVar[Mapping[SizeClass, Preset]]  # by size of the base; `general` gives a learning rate

    @classmethod
    def label(cls) -> str:
        """The title on a card."""
        return f"{cls.title} (Recommended)" if cls.recommended else cls.title

    @classmethod
    def preset(cls, params: int) -> Preset:
        """The settings known to work on a base model with so many parameters (0 where that is not known)."""
        return cls.presets[cls.preset_class(params)]

    @classmethod
    def preset_class(cls, params: int) -> SizeClass:
        """Which of the presets that is: `general` where the method has none for models of this size."""
        exact = size_class(params)
        return exact if exact in cls.presets else "general"

    def peft_arguments(self) -> dict[str, Any] | None:
        """Keyword arguments of the PEFT config as plain data, or None."""
        return None

    def start_tokens(self) -> int:
        """How many tokens of the training examples the base reads to compute the first trainable weights; 0: they
        start at random, or where they change nothing."""
        return 0

    def load_arguments(self) -> dict[str, Any]:
        """How to load the base, as plain data: `quantization` (`bits`, and for 4 bits `double_quantization` and
        `compute_dtype`), or nothing."""
        return {}

    @abstractmethod
    def trainable_params(self, shape: ModelShape) -> int:
        """How many parameters this method trains on a base of this shape."""

    def saved_params(self, shape: ModelShape) -> int:
        """How many parameters the finished model's files contain: all that were trained, unless some only help
        training."""
        return self.trainable_params(shape)

    def base_bytes(self, shape: ModelShape, width: float) -> float:
        """Bytes of the base's weights in memory, where an unquantized weight takes `width` bytes."""
        return shape.params * width

    def kept_per_token(self, shape: ModelShape, length: int) -> float:
        """Activations that this method stores per token for the backward pass, in all layers together.

        Those of the frozen base (residuals, attention, MLP) are counted by `core.training.forecast.activations`.

        Args:
            length: tokens in the token's row.
        """
        return 0.0

    def heap_factor(self, width: int) -> float:
        """Heap that the activations take on a CPU, relative to their size: buffers freed between stored ones leave
        gaps.

        Measured with glibc 2.36 by `python -m bench.forecast`.

        Args:
            width: bytes of a stored number.
        """
        return 1.45

    def kept_once(self, shape: ModelShape) -> float:
        """Numbers stored for the backward pass that do not depend on the tokens, in all layers together."""
        return 0.0

    def check(self, shape: ModelShape) -> None:
        """Validate the settings against the chosen base model.

        Raises:
            SettingsError: names the setting that does not fit this base, and the values that do.
        """


# Larger models recompute activations instead of storing them; below, that costs time and saves little memory.
CHECKPOINT_FROM_PARAMS: Final = 500_000_000


def recomputes(params: int, method: Method | type[Method] | None, choice: str) -> bool:
    """Whether a run recomputes activations instead of storing them (gradient checkpointing).

    Args:
        method: None counts as one that allows it, as most do.
        choice: the setting: auto, on or off.
    """
    if method is not None and not method.recomputes:
        return False
    return params >= CHECKPOINT_FROM_PARAMS if choice == "auto" else choice == "on"


# Linear layers with the same input: it is stored once for all of them.
_SAME_INPUT: Final = (
    frozenset({"q_proj", "k_proj", "v_proj", "qkv_proj"}),
    frozenset({"gate_proj", "up_proj", "gate_up_proj"}),
)


def kept_inputs(shape: ModelShape, names: Container[str] | None = None) -> float:
    """Numbers per token that linear layers with trained weights store: their inputs, shared ones once.

    Args:
        names: of the layers; None for every linear layer of the blocks.
    """
    layers = [(name, inputs) for name, inputs, _ in shape.linear_shapes() if names is None or name in names]
    names_used = {name for name, _ in layers}
    total = 0.0
    for name, inputs in layers:
        sharing = next((group & names_used for group in _SAME_INPUT if name in group), {name})
        total += inputs / len(sharing)
    return total
