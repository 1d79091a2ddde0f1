"""TRL: Hugging Face's trainer, on every device and for every method."""

from __future__ import annotations

from typing import ClassVar

from core.training.engines.base import Engine


class Trl(Engine):
    """Installed with the studio, so it is always available."""

    id: ClassVar[str] = "trl"
    title: ClassVar[str] = "TRL"
    text: ClassVar[str] = "Hugging Face's trainer. Runs on a CPU and on a GPU, with every method."
    why: ClassVar[str] = "TRL runs on every machine and with every method."
    module: ClassVar[str] = "worker.training.engines.trl"
    remedy: ClassVar[str] = "Install the studio again: pip install -e . -c constraints.txt"

    def available(self, *, probe: bool = False) -> str:
        return ""
