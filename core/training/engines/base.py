"""What the studio knows about an engine without importing it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from core.models.methods import Method


class Engine(ABC):
    """One engine; registered in `core/training/engines/__init__.py`, one line each. Reasons are complete sentences."""

    id: ClassVar[str]
    title: ClassVar[str]
    text: ClassVar[str]  # what it is, for its card
    why: ClassVar[str]  # why *auto* takes it, where it can
    remedy: ClassVar[str]  # what to do where it cannot be used
    module: ClassVar[str]  # worker module with the functions of `worker.training.engines.EngineModule`
    peft_types: ClassVar[tuple[str | None, ...] | None] = None  # of the methods it trains; None for every method

    @abstractmethod
    def available(self, *, probe: bool = False) -> str:
        """Why it cannot be used on this machine, "" when it can.

        Args:
            probe: test it in a separate process where the answer is not known yet.
        """

    def examine(self) -> str:
        """As `available`, but always tested again: for `sft doctor`."""
        return self.available(probe=True)

    def supports(self, method: Method) -> str:
        """Why it cannot train with a method, "" when it can."""
        if self.peft_types is not None and method.peft_type not in self.peft_types:
            return f"it does not support {method.title}."
        return ""
