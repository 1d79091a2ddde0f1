"""What a model format is: whether a base and a method can have it, and the module that writes its files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

from core.models.base_models.records import BaseModelRef
from core.models.methods import Method
from core.serving.availability import Availability


@dataclass(frozen=True, slots=True)
class WriterInput:
    """What a writer reads. Directories: `trained` is what training saved (adapter or complete model), `complete` the
    merged or complete model (None where the format needs none), `base` the base model (None for a complete model).
    """

    name: str
    license: str
    trained: Path
    complete: Path | None
    base: Path | None


@dataclass(frozen=True, slots=True)
class ModelFormat:
    """One format.

    Args:
        check: whether the result of a method on a base can have it, with the reason; known before training.
        writer: a dotted module whose `write(source, directory, kind, progress)` writes the files.
        kind: the writer's variant.
        library: that loads it, by its id on the Hub, for the model card.
        complete: it is written from the complete model: an adapter is merged into its base first.
        precision: float32: it is written from a model that was merged in it; stored: in that of the base's files; auto:
            in the format's own.
        width: bytes per weight; 0: as the base's files.
        quick: copying files is all it takes, so the web process does it at the click; else a background task.
    """

    id: str
    title: str
    text: str
    check: Callable[[BaseModelRef, Method], Availability]
    writer: str
    _: KW_ONLY
    kind: str = ""
    library: str = "gguf"
    complete: bool = False
    precision: str = "auto"
    width: float = 0.0
    quick: bool = False


def unknown_architecture(base: BaseModelRef) -> Availability:
    """The refusal where the base's files are not here, so that nothing is known of its architecture."""
    return Availability(False, f"Needs the base model on this machine. {base.reason}".strip())


def complete_model(method: Method) -> Availability:
    """Whether a method's result is, or can become, a complete model."""
    if method.peft_type is None:
        return Availability(True, "As trained.")
    if not method.mergeable:
        return Availability(False, f"{method.title} cannot be merged into the base.")
    quantized = "unquantized " if method.load_arguments().get("quantization") else ""
    return Availability(True, f"The adapter is merged into the {quantized}base first.")
