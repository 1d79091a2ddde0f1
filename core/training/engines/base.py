"""What the studio knows of an engine without importing it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from core.models.methods import Method


class Engine(ABC):
    """One engine; registered in `core/training/engines/__init__.py`, one line each. Reasons are whole sentences."""

    id: ClassVar[str]
    title: ClassVar[str]
    text: ClassVar[str]  # what it is, for its card
    why: ClassVar[str]  # why *auto* takes it, where it can
    remedy: ClassVar[str]  # what to do where it cannot be used

    @abstractmethod
    def available(self, *, probe: bool = False) -> str:
        """Why it cannot be used on this machine, "" when it can.

        Args:
            probe: find out for certain, in a process of its own, where that is not known yet.
        """

    def examine(self) -> str:
        """As `available`, found out anew: for the doctor."""
        return self.available(probe=True)

    def supports(self, method: Method) -> str:
        """Why it cannot train with a method, "" when it can."""
        return ""
