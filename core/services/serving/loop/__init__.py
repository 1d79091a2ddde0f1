"""The loop: from corrections to the next model of an agent. Its state is read from what exists, and never stored."""

from __future__ import annotations

from core.services.serving.loop.generations import AgentGeneration, generations
from core.services.serving.loop.reading import of_agent
from core.services.serving.loop.records import LoopStep, Round
from core.services.serving.loop.starting import retrain

__all__ = ["AgentGeneration", "LoopStep", "Round", "generations", "of_agent", "retrain"]
